// Sends a form and shows the response in place, so that typed values are not lost. Without this file the form works by
// plain POST. A form may lack parts: a code to send, an image, a password.
// Written for Chromium 70 and Safari 13.1, because in-app browsers are that old. tests/pages/test_old_browsers.py
// checks this.

const form = document.querySelector("form[data-form]");
const part = (name) => form.querySelector(`[data-${name}]`);
const [send, image, seen, other, show, above, told] =
  ["send", "image", "seen", "other", "show", "alert", "status"].map(part);
const submit = form.querySelector(".button.main");
const enter = form.querySelector(".enter");
const sendLabel = send && send.textContent;
/** Error codes after which the server has not checked the image code, so the image is still valid. */
const KEPT = new Set(["invalid", "human_check_invalid", "human_check_unavailable", "too_many_requests"]);
/** Fields whose values survive a reload. Never the password. */
const REMEMBERED = ["mobile", "sms_code", "receipt"].filter((name) => name in form.elements);
/** Error codes that need a reload: the page has expired, or it must ask for something first. */
const RELOAD = new Set(["ticket_invalid", "token_invalid", "session_ended", "insufficient_user_authentication"]);
/** The lifetime of a bind ticket, in milliseconds. */
const LIFETIME = 600000;
const STORED = `phonebind ${location.pathname}`;
/** `waits`: for each number, the time when the next code may be requested. */
const memory = recall() || { began: Date.now(), typed: {}, waits: {} };
/** The button of the running request. */
let pending = null;
let timer;
/** The image was used up while it was hidden. */
let stale = false;
/** The person wants another code although one was sent to this number: the page shows the image again. */
let again = false;
/** The last clicked button. */
let pressed = null;

// The page shows its own messages in place of the browser's.
form.noValidate = true;

// Safari before 15.4 and many in-app browsers have no `submitter`. But a click precedes each submit: the Enter key
// clicks the first button of a form.
form.addEventListener("click", (event) => {
  pressed = event.target.closest("button");
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const button = event.submitter || pressed || enter;
  pressed = null;
  if (button.value === "image") anotherImage();
  // Enter in the field beside the image requests an SMS code. The focus alone is not enough to know this: Safari
  // leaves it there after a tap on the main button.
  else if (send && (button === send || (button === enter && document.activeElement === form.elements.text))) sendCode();
  else act(button);
});

if (other) {
  other.hidden = false;
  const [button, hint] = other.children;
  const label = button.textContent;
  button.addEventListener("click", () => {
    const without = !form.elements.without_image.value;
    form.elements.without_image.value = without ? "1" : "";
    button.textContent = without ? button.dataset.unseen : label;
    hint.textContent = without ? hint.dataset.hint : "";
    update();
  });
}

if (show) {
  const label = show.textContent;
  show.hidden = false;
  show.addEventListener("click", () => {
    const visible = form.elements.password.type === "text";
    form.elements.password.type = visible ? "password" : "text";
    show.textContent = visible ? label : show.dataset.hide;
  });
}

for (const name of REMEMBERED) {
  const input = form.elements[name];
  // A value from the server is newer. So is a value that was typed before this script was loaded.
  if (!input.value) input.value = memory.typed[name] || "";
}
form.addEventListener("input", ({ target }) => {
  forgive(target);
  if (!REMEMBERED.includes(target.name)) return;
  remember();
  if (target.name === "mobile") update();
});
// A country code that was pasted or filled in is removed: the page shows +86 before the field.
form.addEventListener("change", ({ target }) => {
  if (target.name !== "mobile" || !isMobile(target.value)) return;
  target.value = national(target.value);
  remember();
});
if (send && isWaiting()) tellSent(number());
update();

// A page from the browser's back/forward cache may be outdated.
addEventListener("pageshow", (event) => event.persisted && location.reload());

async function sendCode() {
  if (pending || send.disabled) return;
  if (seen && seen.hidden && !form.elements.without_image.value) return askForImage();
  // Read now: changes during the check are meant for the next request.
  const data = filled("send_code");
  const answer = await during(send, async () => (await prove(data)) || { looked: true, ...(await ask(data)) });
  if (answer.looked && !KEPT.has(answer.code) && !data.get("without_image")) stale = true;
  // receipt.js sets its field before `wait` stores the form.
  form.dispatchEvent(new CustomEvent("answer", { detail: answer }));
  const seconds = answer.resend_after || (isAboutWaiting(answer) && answer.retry_after);
  const mobile = data.get("mobile") || "";
  if (seconds) wait(mobile, seconds);
  update();
  if (answer.resend_after) {
    tellSent(mobile);
    form.elements.sms_code.focus();
  } else {
    complain(answer, "sms_code");
  }
}

async function act(button) {
  if (pending) return;
  const { value } = button === enter ? submit : button;
  const answer = await during(button === enter ? submit : button, () => ask(filled(value)));
  if (answer.screen) return post(value);
  if (!answer.location) return complain(answer);
  forget();
  location.assign(answer.location);
}

/** Send the form as without this script. The response is a page that asks for more. */
function post(action) {
  // The next page has all values in its form. And the next visitor to this URL may be another person.
  forget();
  const field = document.createElement("input");
  field.type = "hidden";
  field.name = "action";
  field.value = action;
  form.append(field);
  form.submit();
}

/** Add the answer to the human check to `data`, if a check is required. Returns an error response, or null. */
async function prove(data) {
  if (!("check" in form.dataset || data.get("without_image"))) return null;
  const question = new URLSearchParams(data);
  question.set("action", "human_check");
  const asked = await ask(question);
  if (!asked.human_check) return "image" in asked ? null : asked;
  told.textContent = form.dataset.computing;
  try {
    const { answer } = await import(form.dataset.human);
    data.set("human_check", await answer(asked.human_check));
    return null;
  } catch (error) {
    console.warn(error);
    return { message: form.dataset.unshown };
  } finally {
    told.textContent = "";
  }
}

/** Run one request at a time. Its button is disabled meanwhile, and stays so if another page is being loaded. */
async function during(button, work) {
  pending = button;
  clear();
  const label = button.textContent;
  // Not `disabled`: a keyboard user would lose the focus and start again at the top of the page.
  button.setAttribute("aria-disabled", "true");
  button.textContent = form.dataset.sending;
  const answer = await work();
  if (!answer.location && !answer.screen) {
    button.textContent = label;
    button.removeAttribute("aria-disabled");
    pending = null;
  }
  update();
  return answer;
}

function filled(action) {
  return new URLSearchParams([...new FormData(form), ["action", action]]);
}

/** The server's JSON. If there is no response, or it is not ours: an object with a message. */
async function ask(body) {
  let response, text;
  try {
    response = await fetch(location.href, { method: "POST", body, headers: { Accept: "application/json" } });
    text = await response.text();
  } catch {
    return { message: form.dataset.failed };
  }
  try {
    const answer = JSON.parse(text);
    if (response.ok || answer.message) return answer;
  } catch {
    // A page, from the server or from a proxy.
  }
  return { message: response.status < 500 ? form.dataset.strange : form.dataset.broken };
}

/** Show each message beside its field, and focus the first one. Other messages are shown above the form. */
function complain({ code, message, errors = {} }, fallback) {
  if (RELOAD.has(code)) {
    forget();
    return location.reload();
  }
  const blamed = [...form.elements].filter((input) => errors[input.name] && beside(input.name));
  if (!blamed.length && fallback) blamed.push(form.elements[fallback]);
  for (const input of blamed) {
    beside(input.name).textContent = (errors[input.name] || [message])[0];
    input.setAttribute("aria-invalid", "true");
  }
  if (!blamed.length) above.textContent = message;
  (blamed[0] || above).focus();
}

function beside(name) {
  return document.getElementById(`id_${name}_error`);
}

function clear() {
  for (const element of form.querySelectorAll(".error, [data-alert], [data-status]")) element.textContent = "";
  for (const input of form.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
}

/** Remove the error of a field once the person types in it. */
function forgive(input) {
  if (!input.hasAttribute("aria-invalid")) return;
  input.removeAttribute("aria-invalid");
  if (beside(input.name)) beside(input.name).textContent = "";
}

function anotherImage() {
  newImage();
  form.elements.text.focus();
}

/** The same id gives a new image each time. The URL must differ, or the browser does not load it again. */
function newImage() {
  if (!image) return;
  const img = image.querySelector("img");
  img.src = `${img.src.split("?")[0]}?${Date.now()}`;
  form.elements.text.value = "";
  stale = false;
}

// ---------------------------------------------------------------- one code a minute, for each number

/** The number in the form; "" if the server knows the number. */
function number() {
  return form.elements.mobile ? form.elements.mobile.value : "";
}

/** The number as the server writes it. */
function national(mobile) {
  return mobile.normalize("NFKC").replace(/\D/g, "").slice(-11);
}

function isMobile(text) {
  return /^(?:\+86|0086|86)?1[3-9]\d{9}$/.test(text.normalize("NFKC").replace(/[^+\d]/g, ""));
}

/** Only a short wait is counted down. A quota, or the vendor's limit, may take hours. */
function isAboutWaiting({ code, retry_after: seconds }) {
  return code === "sms_too_frequent" || code === "sms_not_sent" || (code === "sms_quota" && seconds <= 120);
}

function isWaiting() {
  return (memory.waits[national(number())] || 0) > Date.now();
}

function wait(mobile, seconds) {
  memory.waits[national(mobile)] = Date.now() + seconds * 1000;
  again = false;
  remember();
}

function tellSent(mobile) {
  told.textContent = told.dataset.sent.replace("{}", national(mobile).replace(/^(...)(....)/, "$1 $2 "));
}

/** Set the button and the image for the number in the form. */
function update() {
  if (!send) return;
  clearTimeout(timer);
  const until = memory.waits[national(number())];
  const left = Math.ceil(((until || 0) - Date.now()) / 1000);
  send.disabled = left > 0;
  if (pending !== send) send.textContent = left > 0 ? form.dataset.again.replace("{}", left) : sendLabel;
  if (left > 0) timer = setTimeout(update, 250);
  // After a code was sent, the field for the next image is hidden.
  const sent = Boolean(until) && !again;
  if (seen) seen.hidden = sent || Boolean(form.elements.without_image.value);
  if (other) other.hidden = sent;
  if (seen && !seen.hidden && stale) newImage();
}

function askForImage() {
  again = true;
  told.textContent = "";
  update();
  form.elements.text.focus();
}

// ---------------------------------------------------------------- what survives a reload

/** The stored state of this sign-in in this tab, if its ticket is still valid. */
function recall() {
  try {
    for (const key of Object.keys(sessionStorage)) {
      if (key.startsWith("phonebind ") && key !== STORED) sessionStorage.removeItem(key);
    }
    const found = JSON.parse(sessionStorage.getItem(STORED));
    if (found && Date.now() - found.began < LIFETIME) return found;
    sessionStorage.removeItem(STORED);
  } catch {
    // This browser does not allow storage.
  }
  return null;
}

function remember() {
  for (const name of REMEMBERED) memory.typed[name] = form.elements[name].value;
  try {
    sessionStorage.setItem(STORED, JSON.stringify(memory));
  } catch {
    // This browser does not allow storage.
  }
}

function forget() {
  try {
    sessionStorage.removeItem(STORED);
  } catch {
    // This browser does not allow storage.
  }
}
