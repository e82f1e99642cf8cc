"""Keys of the emulated Alipay. They are public: a person who has them can sign as the sandbox, and as its apps.

In the format of Alipay's console: base64 without PEM lines, PKCS #8 and SubjectPublicKeyInfo.
"""

#: The sandbox signs its responses with the private key. Clients get the public key.
PRIVATE_KEY = (
    "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCrSaGGYiwZDSBnZzD5C7RNK33/eFe7HQ5m5Ut+4dPGrG/0ZYHBKQUj8YaqYe"
    "8kEjixiDu2ulwJxXAAiPCuvgQHKroWdVPRYhSStX4a3EHTZnvdlvu7M3FEiOfk/ceB4GV97iMXlSmaX56BehFRM3XOhucJZ5yKJNYhowXRXM5e"
    "OCQyG8aFhNWTXVqI3suzCjuWvVksRKx+QN2k0R0yTZ2lSrlMmabCbisscin3JaJN3B/b3t+RCT8A7ZO26BhxynUPmgACB7ke6sye/EZFSMF9/T"
    "OsBcPJYbVLneYInQGcy+cWDGuR65Q0f02otx8haPIyvQ43jxPQgMYrHX1OjeZFAgMBAAECggEAUNNc2fnHT0bnbIPAEzTXrraALSXPWCcc3acD"
    "WescMJq79XpUoR5HI6/b2Nh/rOjAQd3EN7R2q9GzyTzVPc/CPNOHngNdOudqR9RGnkwi76tjdavCO5LJtwpXSrIKC5okqijN/FnRmNvYAsbkFw"
    "oOZBc6PDDdKD67oIG5xBJj+wcDPvJ/Zgw1zEFWzJXp9S3yKcCG3shibfEnwnX9mBkM3Q0xFLEQcJEszwC2F4n8GRWopqg97mR9p3JZ2ROh6Z5u"
    "GPZsbRjlYpFRg48pNwALwLxUX2DVSvsqB6+ZY5XAdC+59j4QK/8O4S8tGj4aE51ths3QJzORHoep5fOJeXf1XQKBgQDUw4oLyj4sQ4A/tAGSaZ"
    "VHY4DmbyCB5S6BARatwYVvnkNFbBUzAfhyvAbZO2eON7tqcawfQt+lN0QkzW5XML/4ydNRH0T2Z4dVw6s2xsCEY/IwUAM0zm5tWoHzQXcWeX+j"
    "QzUA8fxeRpW2AzXiCaMskCfBLb84wEfceD+IrUy4KwKBgQDOGGebjT6qgAqCe2v3ea+ReEcpxe41QeYJADrPv0T9KTm3U/AIfMGrOdAGnhb4vC"
    "v4E2DljS4cpfmWa3iFhGv6l87EgxrRp4v1xOb6iGXDMSvcFRCmipAq1lljQlVPbW9c4bNP88XlTpeDQQxqYnhJs6y2M/268Y3En9LkfNGzTwKB"
    "gQCEE3qfhQWBXsm/QdPz+p0Tet5qrbNlT0rGBFH6vPZDauBhuQ2T43ZCaxxpP6oyK8Co/DWYFmBU5HDl06zabUXOgCMw6ZNazrvBbrzbPRgHVy"
    "/h89l5r2f3dEbVJd9yUSv9wlul4ZIDSBfprCaH0em8YSR8lBRve1VgtDjkdIf6jwKBgCrZlCEZWuAkQwsiEi6gFErQkSs0RfS4wNU6QQAUqolg"
    "WumtAAkjtzicio31rJ0GsrWfgdP4aI/4Sk5mBebsw26UxZ7CC39vsH/m8odAeLf+rznQ/2dBA/yEGI20qvwaqr7LBncnHgwxLPtTOPudgZkBTH"
    "WNlcGam3k4Kabr9MWtAoGAN3hNYm38OifAQiSi4Ci6LhgScdABxaio6vy3B7psKx8R1DCNFbeJkwf3ngp6bnuorDGCBx8SfrNXDJvYigEpZjq9"
    "uvxN8Z9Ls4OuP+zVi4tMBxb54tnXLbgcJfaoJoY3Di08Gx/uGOrREd9rLcytaDwaZFs5Du57HDSu8g6ZDfM="
)
PUBLIC_KEY = (
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAq0mhhmIsGQ0gZ2cw+Qu0TSt9/3hXux0OZuVLfuHTxqxv9GWBwSkFI/GGqmHvJBI4sY"
    "g7trpcCcVwAIjwrr4EByq6FnVT0WIUkrV+GtxB02Z73Zb7uzNxRIjn5P3HgeBlfe4jF5Upml+egXoRUTN1zobnCWeciiTWIaMF0VzOXjgkMhvG"
    "hYTVk11aiN7Lswo7lr1ZLESsfkDdpNEdMk2dpUq5TJmmwm4rLHIp9yWiTdwf297fkQk/AO2TtugYccp1D5oAAge5HurMnvxGRUjBff0zrAXDyW"
    "G1S53mCJ0BnMvnFgxrkeuUNH9NqLcfIWjyMr0ON48T0IDGKx19To3mRQIDAQAB"
)

#: The key of every app that registers no ``public_key``.
APP_PRIVATE_KEY = (
    "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCjE+zcOVthjhURiBOaCd03ZqIIx409WeOlipMvOGalfl4AyQhJMQwBU64HVw"
    "dpAzdM8lihJhtZfjyPNkbDe6synrjaB4HdYkIPGpRe+IalFKdvm2zo6uJfZgVUP5ifVXAnhM/0AvMlF9+ooF5k97gkDwDG2/QkWyKAGnP208Cm"
    "0NEiUlulwG1caUtB/4tA/PRPcfH1GjrZqmFbsQ+GHOFEHjDVAauhZiJBPoEcLKr1lhCnVxrgqx6VjPpqwpbefrLpsGA3eZ56CWYEpC1PLnJk1l"
    "O+rrIug1FH5XpcLyuJ9xOpX5irEgXhQeJbwhxWHRLOC1DOHFFwOQa0XPJ88Df1AgMBAAECggEAPF7keTR8mVVVhFt5UjWjoN5MTu684UD1LvPp"
    "f/ojudFZsHW7rQjMtnMJgmsb8arAnqo62FF4n31FowjHUpfmLUOoEALmdxPoe5nt4mijw9otD/qca2+E5ScqAuHWOOoSrnaS23T6GTnI0S6pMz"
    "ynfSXWtkd4Drt0PrNMScxjTf15DbUXxjxN5SVTju11upUWV2CbxGXS57jbVQlwgkfAH6ulpkRJJKBpu+jkETguzJ42QYANWpJisNQiCCKZRMMC"
    "4/XT8Pa5scaZYly24FUmgCrfKy9hsLRMg6vNbWyaprWd0ls7uGPVqYcgP+B/aqOyxo7+o9ikqEkikA0jrw6sgwKBgQDexQWgsbYsRDzRHhVgpc"
    "lQ6oO71BSsfXMCmJ+pi4DlAxhTahXC58xpt66reiqCwQLz83rHPM6NZRZJT4KftGB6UM0fier1fczhG0+kXI44icyXsmyIuBIDiJ24jyVPizZm"
    "ZlJOwcd4FgGWSwZlepULGJhMlpioj0GsY2foEo2n9wKBgQC7Z27e2MCmR8vmilxnGUPIfTc8+3TqXttSZYIrTHNo6oyEW2KEMdNvUNL1mRmjwI"
    "Q0Mu/P3Sj5eC91cxi9ldvFKXWgd+0vkSDYfemzp77X8BL9eRv1+uM6YpibvmyQfTjzMuhAXwrU5eQiu/1utB6b55fnMjLStjPPctuPpldccwKB"
    "gDvCpODX66PyZlI+/MMhlmDzmIVRvn4LZUgEA4jrGJfW/baa1d2ka0zM7rmnmzHab11cKsq6ADskLBdckhEfxWXquSxFxlc2+ThGKFZSUgDOzq"
    "i/P6hpoMN76buyAvNUyDIuLtRb3ZPUa3aTB9M/UC5a2bhqCefmDlsdi6lRGNk/AoGAfa/nSgpxWpQ4iowtYPAu594jGAFF7pJj4iU2YjfKB4mX"
    "aIWp0yNfvP6mHhXqfkr139RxxiV7/6S9n7Xr1+sUFG2z+EW2i/p33vrDrLxKYKUg92Msf5Mept/NnlbelSGG+oUgA1w69YKhuTH/zSl8he+Tj3"
    "m5YFzW7sEHxJY5bUUCgYEAkytqaXfmBJ8CUf+7caaVJPp1GRPIkkF7dU8Rg1zVyBd0Dzu5ZsXA70Ksh0E9IJqCKo44fGU44XHJhXXOtwhlPmGn"
    "ZP9Ncc7BYaOBnbn4G/jda1v/M0z+ZIStRXz+/L532wk3R6yo6V5StBTKS4IXP2EuLEYSjXDqqDtis6xcF5A="
)
APP_PUBLIC_KEY = (
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAoxPs3DlbYY4VEYgTmgndN2aiCMeNPVnjpYqTLzhmpX5eAMkISTEMAVOuB1cHaQM3TP"
    "JYoSYbWX48jzZGw3urMp642geB3WJCDxqUXviGpRSnb5ts6OriX2YFVD+Yn1VwJ4TP9ALzJRffqKBeZPe4JA8Axtv0JFsigBpz9tPAptDRIlJb"
    "pcBtXGlLQf+LQPz0T3Hx9Ro62aphW7EPhhzhRB4w1QGroWYiQT6BHCyq9ZYQp1ca4KselYz6asKW3n6y6bBgN3meeglmBKQtTy5yZNZTvq6yLo"
    "NRR+V6XC8rifcTqV+YqxIF4UHiW8IcVh0SzgtQzhxRcDkGtFzyfPA39QIDAQAB"
)
