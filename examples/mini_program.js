/** For a WeChat mini program: copy it to utils/sign-in.js. A mini program keeps no cookies; all state is in its hands. */

const SITE = "https://api.shop.example"; // one of the "request" domains in the console of mp.weixin.qq.com

/** Resolves with the answer. Rejects with `{status, code, message, errors, retry_after}`: show `message`, decide by `code`. */
function request(path, data, { method = "POST", token = "" } = {}) {
  return new Promise((resolve, reject) => {
    wx.request({
      url: SITE + path,
      method,
      data,
      header: token ? { Authorization: `Bearer ${token}` } : {},
      success: (answer) => (answer.statusCode < 400 ? resolve(answer.data) : reject({ status: answer.statusCode, ...answer.data })),
      fail: ({ errMsg }) => reject({ status: 0, code: "", message: errMsg }),
    });
  });
}

/** Tokens for who is bound: they are stored. Anybody else gets an `access_token`, for ten minutes and one bind. */
async function signIn() {
  const { code } = await new Promise((success, fail) => wx.login({ success, fail })); // good once, for five minutes
  return keep(await request("/oauth/wechat_miniprogram/native/", { code }));
}

/** The address of a new image code. Its id is made up here. */
function newImage() {
  const digit = () => Math.floor(Math.random() * 16).toString(16);
  const id = "xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx".replace(/x/g, digit);
  return { id, url: `${SITE}/image_codes/${id}/` };
}

/** Sends the SMS. The answer has `resend_after`, in seconds. The image is used up, right or wrong. */
function sendCode(mobile, image, text, access_token) {
  return request(`/sms_codes/${mobile}/`, { image_code_id: image.id, text, access_token });
}

/** `form` has `mobile`, `sms_code`, `password` and `access_token`. */
async function bind(form) {
  return keep(await request("/oauth/wechat_miniprogram/user/", form));
}

/** In place of image and SMS: `code` is `event.detail.code` of the phone button. A new account needs no password. */
async function bindByPhoneButton(code, access_token) {
  const { mobile_proof } = await request("/mobile_proofs/", { source: "wechat", token: code, access_token });
  return bind({ mobile_proof, access_token });
}

/** A request to your shop, with the token; once more with a new one where the answer is 401. */
async function shop(path, data, method = "GET") {
  const { token } = wx.getStorageSync("tokens") || {};
  try {
    return await request(path, data, { method, token });
  } catch (refused) {
    if (!token || refused.status !== 401) throw refused;
    return request(path, data, { method, token: (await renew()).token });
  }
}

let renewing = null;

/** A refresh token works once, so there is one renewal at a time. Where it is refused, sign in again. */
function renew() {
  const { refresh } = wx.getStorageSync("tokens");
  renewing =
    renewing ||
    request("/authorizations/refresh/", { refresh })
      .then(keep)
      .finally(() => {
        renewing = null;
      });
  return renewing;
}

function keep(answer) {
  if (answer.token) wx.setStorageSync("tokens", { token: answer.token, refresh: answer.refresh });
  return answer;
}

module.exports = { signIn, newImage, sendCode, bind, bindByPhoneButton, shop, renew };
