import { betterAuth } from "better-auth";
import { genericOAuth } from "better-auth/plugins";
import { Pool } from "pg";

const { DATABASE_URL, BENCH_UPSTREAM, QQ_CLIENT_ID, QQ_CLIENT_SECRET } = process.env;

// Its own migrations index accounts only by user. Without this index every sign-in would read the whole table.
const accountIndex = {
  id: "account-index",
  schema: { account: { fields: {}, indexes: [{ fields: ["providerId", "accountId"], unique: true }] } },
};

export const auth = betterAuth({
  database: new Pool({ connectionString: DATABASE_URL }),
  advanced: { database: { joins: true } },
  plugins: [
    genericOAuth({
      config: [
        {
          providerId: "qq",
          clientId: QQ_CLIENT_ID,
          clientSecret: QQ_CLIENT_SECRET,
          authorizationUrl: `${BENCH_UPSTREAM}/generic/authorize`,
          tokenUrl: `${BENCH_UPSTREAM}/generic/token`,
          userInfoUrl: `${BENCH_UPSTREAM}/generic/userinfo`,
        },
      ],
    }),
    accountIndex,
  ],
});
