// Answers a human check. The input is `human_check` from the response of `GET /human_checks/…`. The output is
// `human_check` for the SMS request. To add your own check:
// window.phonebindChecks = { name: async (asked) => "its answer" }.

const checks = { altcha: compute, tencent: showTencent, ...window.phonebindChecks };

/** Timeout in milliseconds: the script may not load, or the person may have left. */
const PATIENCE = 120000;

/** Rejects if there is no answer: the person gave up, or the browser cannot compute one. */
export async function answer(asked) {
  const tooLate = new Promise((_, reject) => setTimeout(() => reject(new Error("too late")), PATIENCE));
  return Promise.race([checks[asked.name](asked), tooLate]);
}

// ---------------------------------------------------------------- ALTCHA: https://altcha.org

/** All counters that the server draws are far below this. */
const MOST = 100000;

/** Tries counters from 0 on, one at a time per core. The browser hashes outside of this thread. */
async function compute({ challenge }) {
  const { nonce, salt, cost, keyLength, keyPrefix } = challenge.parameters;
  const [password, salted] = [bytes(nonce + "00000000"), bytes(salt)];
  const start = performance.now();
  let next = 0;
  let solution;
  async function tryCounters() {
    while (!solution && next < MOST) {
      const counter = next++;
      new DataView(password.buffer).setUint32(password.length - 4, counter);
      const derivedKey = await derive(password, salted, cost, keyLength);
      if (derivedKey.startsWith(keyPrefix)) solution = { counter, derivedKey };
    }
  }
  await Promise.all(Array.from({ length: navigator.hardwareConcurrency || 2 }, tryCounters));
  if (!solution) throw new Error("no solution");
  return btoa(JSON.stringify({ challenge, solution: { ...solution, time: performance.now() - start } }));
}

async function derive(password, salt, iterations, length) {
  // Both calls copy their arguments before they first wait. So `password` can be overwritten meanwhile.
  const key = await crypto.subtle.importKey("raw", password, "PBKDF2", false, ["deriveBits"]);
  const bits = await crypto.subtle.deriveBits({ name: "PBKDF2", hash: "SHA-256", salt, iterations }, key, length * 8);
  return Array.from(new Uint8Array(bits), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function bytes(hex) {
  return Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16));
}

// ---------------------------------------------------------------- Tencent Captcha

async function showTencent({ app_id, script }) {
  if (!window.TencentCaptcha) await load(script);
  return new Promise((resolve, reject) => {
    const told = ({ ret, ticket, randstr }) =>
      ret === 0 ? resolve(JSON.stringify({ ticket, randstr })) : reject(new Error("closed"));
    new TencentCaptcha(app_id, told, {}).show();
  });
}

function load(src) {
  return new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement("script"), { src, onload: resolve });
    script.onerror = () => {
      script.remove(); // so that the next try loads it again
      reject(new Error(`${src} was not loaded`));
    };
    document.head.append(script);
  });
}
