// Lets a form answer in place, so that nothing typed is lost. Without this file it works by plain POST. What a form has
// not, a code to send, an image, a password, is left out.
// Written for Chromium 70 and Safari 13.1, as in-app browsers are: tests/pages/test_old_browsers.py holds it to that.

const form = document.querySelector("form[data-form]");
const part = (name) => form.querySelector(`[data-${name}]`);
const [send, image, seen, other, show, above, told] =
  ["send", "image", "seen", "other", "show", "alert", "status"].map(part);
const submit = form.querySelector(".button.main");
const enter = form.querySelector(".enter");
const sendLabel = send && send.textContent;
/** Codes that keep the server from looking at the image, so that it is as good as before. */
const KEPT = new Set(["invalid", "human_check_invalid", "human_check_unavailable", "too_many_requests"]);
/** What is typed or told and survives a reload. Never the password. */
const REMEMBERED = ["mobile", "sms_code", "receipt"].filter((name) => name in form.elements);
/** Answers that the page itself says best: what it stands on is over, or something is asked for first. */
const RELOAD = new Set(["ticket_invalid", "token_invalid", "session_ended", "insufficient_user_authentication"]);
/** Milliseconds that a bind ticket lives. */
const LIFETIME = 600000;
const STORED = `phonebind ${location.pathname}`;
/** `waits`: by number, when the next code may be asked for. */
const memory = recall() || { began: Date.now(), typed: {}, waits: {} };
/** The button whose answer is awaited. */
let pending = null;
let timer;
/** The image was used up while nobody saw it. */
let stale = false;
/** Another image is asked for although a code is on its way to this number. */
let again = false;
/** The button that was clicked last. */
let pressed = null;

// Our own messages, in place, instead of the browser's bubbles.
form.noValidate = true;

// Safari before 15.4 and many in-app browsers tell no `submitter`. But a click comes before each submit: the Enter key
// clicks the first button of a form.
form.addEventListener("click", (event) => {
  pressed = event.target.closest("button");
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const button = event.submitter || pressed || enter;
  pressed = null;
  if (button.value === "image") anotherImage();
  // Enter in the field beside the image means the code that it is for. Safari leaves the focus there when one taps
  // the main button, so the focus alone does not tell.
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
  // What the server has filled in is newer, and so is what was typed before this script came.
  if (!input.value) input.value = memory.typed[name] || "";
}
form.addEventListener("input", ({ target }) => {
  forgive(target);
  if (!REMEMBERED.includes(target.name)) return;
  remember();
  if (target.name === "mobile") update();
});
// What was pasted or filled in with a country code is shown without, since +86 stands before the field.
form.addEventListener("change", ({ target }) => {
  if (target.name !== "mobile" || !isMobile(target.value)) return;
  target.value = national(target.value);
  remember();
});
if (send && isWaiting()) tellSent(number());
update();

// A page out of the browser's memory shows what was true when it was left.
addEventListener("pageshow", (event) => event.persisted && location.reload());

async function sendCode() {
  if (pending || send.disabled) return;
  if (seen && seen.hidden && !form.elements.without_image.value) return askForImage();
  // As it is now: whatever is changed while the check goes on is meant for the next time.
  const data = filled("send_code");
  const answer = await during(send, async () => (await prove(data)) || { looked: true, ...(await ask(data)) });
  if (answer.looked && !KEPT.has(answer.code) && !data.get("without_image")) stale = true;
  // For receipt.js, before all of it is remembered.
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

/** Send the form as it would be without this script: the answer is a page, which asks for more. */
function post(action) {
  // The page that comes has all of it in its form; and whoever comes next to this address may be somebody else.
  forget();
  const field = document.createElement("input");
  field.type = "hidden";
  field.name = "action";
  field.value = action;
  form.append(field);
  form.submit();
}

/** Adds the answer to the human check, where one is asked for now. Returns what kept it from that, or null. */
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

/** One thing at a time. The button looks pressed meanwhile, and stays so while a page is on its way. */
async function during(button, work) {
  pending = button;
  clear();
  const label = button.textContent;
  // Not `disabled`, or whoever came by keyboard would be thrown back to the top of the page.
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

/** The server's answer, or one like it where there is none, or none of ours. */
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
    // a page, of the server's or of somebody between us
  }
  return { message: response.status < 500 ? form.dataset.strange : form.dataset.broken };
}

/** Each message beside its field and the first of them in focus; what no field is to blame for, above the form. */
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

/** Whoever types there has read what was wrong with it. */
function forgive(input) {
  if (!input.hasAttribute("aria-invalid")) return;
  input.removeAttribute("aria-invalid");
  if (beside(input.name)) beside(input.name).textContent = "";
}

function anotherImage() {
  newImage();
  form.elements.text.focus();
}

/** The same id gives a new image each time; only the address must differ for the browser to ask again. */
function newImage() {
  if (!image) return;
  const img = image.querySelector("img");
  img.src = `${img.src.split("?")[0]}?${Date.now()}`;
  form.elements.text.value = "";
  stale = false;
}

// ---------------------------------------------------------------- one code a minute, for each number

/** What stands in the form; "" where the server knows the number. */
function number() {
  return form.elements.mobile ? form.elements.mobile.value : "";
}

/** As the server spells it. */
function national(mobile) {
  return mobile.normalize("NFKC").replace(/\D/g, "").slice(-11);
}

function isMobile(text) {
  return /^(?:\+86|0086|86)?1[3-9]\d{9}$/.test(text.normalize("NFKC").replace(/[^+\d]/g, ""));
}

/** A short wait is counted down; a quota, or the vendor's limit, may as well be a matter of hours. */
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

/** Button and image as they are for the number that stands in the form. */
function update() {
  if (!send) return;
  clearTimeout(timer);
  const until = memory.waits[national(number())];
  const left = Math.ceil(((until || 0) - Date.now()) / 1000);
  send.disabled = left > 0;
  if (pending !== send) send.textContent = left > 0 ? form.dataset.again.replace("{}", left) : sendLabel;
  if (left > 0) timer = setTimeout(update, 250);
  // Who has been sent a code need not look at an empty field for the next one.
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

/** Of this sign-in alone, in this tab, and for as long as its ticket lives. */
function recall() {
  try {
    for (const key of Object.keys(sessionStorage)) {
      if (key.startsWith("phonebind ") && key !== STORED) sessionStorage.removeItem(key);
    }
    const found = JSON.parse(sessionStorage.getItem(STORED));
    if (found && Date.now() - found.began < LIFETIME) return found;
    sessionStorage.removeItem(STORED);
  } catch {
    // This browser keeps nothing.
  }
  return null;
}

function remember() {
  for (const name of REMEMBERED) memory.typed[name] = form.elements[name].value;
  try {
    sessionStorage.setItem(STORED, JSON.stringify(memory));
  } catch {
    // This browser keeps nothing.
  }
}

function forget() {
  try {
    sessionStorage.removeItem(STORED);
  } catch {
    // This browser keeps nothing.
  }
}
