// Answers a human check: what `GET /human_checks/…` calls `human_check` goes in, and what the SMS request sends under
// that name comes out. A check of your own:
// window.phonebindChecks = { name: async (asked) => "its answer" }.

const checks = { altcha: compute, tencent: showTencent, ...window.phonebindChecks };

/** Milliseconds after which nobody waits any more: for a script that does not come, or somebody who went away. */
const PATIENCE = 120000;

/** Rejects where there is no answer: the person gave up, or the browser cannot. */
export async function answer(asked) {
  const tooLate = new Promise((_, reject) => setTimeout(() => reject(new Error("too late")), PATIENCE));
  return Promise.race([checks[asked.name](asked), tooLate]);
}

// ---------------------------------------------------------------- ALTCHA: https://altcha.org

/** No draw of the server's is near this high. */
const MOST = 100000;

/** Tries counters from 0 on, as many at once as there are cores; the browser hashes outside of this thread. */
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
  // Both copy what they are given before they first wait: `password` is written to again meanwhile.
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
      script.remove(); // so that the next try asks again
      reject(new Error(`${src} was not loaded`));
    };
    document.head.append(script);
  });
}
