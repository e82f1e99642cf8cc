// A WeChat mini program without WeChat: `wx` by Node's own means, and a person who reads images and SMS.
// node mini_program.js SITE PERSON MOBILE: prints what each step came to, as JSON.

const [site, person, mobile] = process.argv.slice(2);
const stored = {};
const ask = async (path, query) => (await fetch(`${site}/sandbox/${path}?${new URLSearchParams(query)}`)).json();
const appid = "wx4444444444444444";

globalThis.wx = {
  login: ({ success, fail }) => ask("wechat/sdk/code", { appid, person }).then(success, fail),
  request({ url, method, data, header, success, fail }) {
    const body = method === "GET" ? undefined : JSON.stringify(data);
    fetch(url.replace("https://api.shop.example", site), { method, body, headers: { "Content-Type": "application/json", ...header } })
      .then(async (answer) => success({ statusCode: answer.status, data: await answer.json() }))
      .catch((error) => fail({ errMsg: String(error) }));
  },
  getStorageSync: (name) => stored[name] ?? "",
  setStorageSync: (name, value) => Object.assign(stored, { [name]: value }),
};

const app = require("../../examples/mini_program.js");

async function bySms({ access_token }) {
  const image = app.newImage();
  await fetch(image.url.replace("https://api.shop.example", site));
  const { text } = await ask(`image_codes/${image.id}.json`);
  const wrong = await app.sendCode("123", image, text, access_token).catch((refused) => refused);
  await app.sendCode(mobile, image, text, access_token);
  const [{ code }] = await ask("inbox.json", { mobile });
  const bound = await app.bind({ mobile, sms_code: code, password: "horse-staple-9", access_token });
  return { wrong: wrong.code, bound: bound.username };
}

async function byPhoneButton({ access_token }) {
  const { code } = await ask("wechat/sdk/phone_code", { appid, person });
  return { bound: (await app.bindByPhoneButton(code, access_token)).username };
}

async function main() {
  const first = await app.signIn();
  const steps = mobile ? await bySms(first) : await byPhoneButton(first);
  const again = await app.signIn();
  const old = { ...stored.tokens };
  stored.tokens = { ...old, token: "old" };
  const [one, two] = await Promise.all([app.shop("/account/"), app.shop("/account/")]);
  const renewed = stored.tokens.token !== "old" && stored.tokens.refresh !== old.refresh;
  stored.tokens = { token: "old", refresh: "ended" };
  const ended = await app.shop("/account/").catch((refused) => refused);
  return { ...steps, again: again.username, account: [one.username, two.username], renewed, ended: [ended.status, ended.code] };
}

main().then((said) => console.log(JSON.stringify(said)));
