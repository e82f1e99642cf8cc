/** Answers `human_check` of `GET /human_checks/…`, whichever HUMAN_CHECK the site has. */

type Asked = { [key: string]: unknown };
type Parameters = { nonce: string; salt: string; cost: number; keyLength: number; keyPrefix: string };
type Captcha = new (appId: string, told: (said: { ret: number; ticket: string; randstr: string }) => void, options: object) => { show(): void };

/** Rejects where there is no answer: the person closed the captcha, or the browser cannot compute. */
export async function answer(asked: Asked): Promise<string> {
  if (asked.name === "altcha") return compute(asked.challenge as { parameters: Parameters });
  if (asked.name === "tencent") return showTencent(String(asked.app_id), String(asked.script));
  throw new Error(`unknown check: ${String(asked.name)}`);
}

/** ALTCHA's proof of work: tries counters, as many at once as there are cores. Needs HTTPS or localhost. */
async function compute(challenge: { parameters: Parameters }): Promise<string> {
  const { nonce, salt, cost, keyLength, keyPrefix } = challenge.parameters;
  const start = performance.now();
  let next = 0;
  let solution: { counter: number; derivedKey: string } | undefined;
  async function tryCounters(): Promise<void> {
    while (!solution && next < 100_000) {
      const counter = next++;
      const password = bytes(nonce + counter.toString(16).padStart(8, "0"));
      const derivedKey = await derive(password, bytes(salt), cost, keyLength);
      if (derivedKey.startsWith(keyPrefix)) solution = { counter, derivedKey };
    }
  }
  await Promise.all(Array.from({ length: navigator.hardwareConcurrency || 2 }, tryCounters));
  if (!solution) throw new Error("no solution");
  return btoa(JSON.stringify({ challenge, solution: { ...solution, time: performance.now() - start } }));
}

async function derive(password: BufferSource, salt: BufferSource, iterations: number, length: number): Promise<string> {
  const key = await crypto.subtle.importKey("raw", password, "PBKDF2", false, ["deriveBits"]);
  const bits = await crypto.subtle.deriveBits({ name: "PBKDF2", hash: "SHA-256", salt, iterations }, key, length * 8);
  return Array.from(new Uint8Array(bits), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function bytes(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/** Tencent's captcha, which loads a script of Tencent's. */
async function showTencent(appId: string, src: string): Promise<string> {
  const page = window as { TencentCaptcha?: Captcha };
  if (!page.TencentCaptcha) await load(src);
  return new Promise((resolve, reject) => {
    if (!page.TencentCaptcha) return reject(new Error("no captcha"));
    new page.TencentCaptcha(
      appId,
      ({ ret, ticket, randstr }) => (ret === 0 ? resolve(JSON.stringify({ ticket, randstr })) : reject(new Error("closed"))),
      {},
    ).show();
  });
}

function load(src: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement("script"), { src, onload: () => resolve() });
    script.onerror = () => {
      script.remove(); // so that the next try asks again
      reject(new Error(`${src} was not loaded`));
    };
    document.head.append(script);
  });
}
