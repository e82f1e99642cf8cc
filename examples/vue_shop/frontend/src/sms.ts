import { computed, ref, watch, type Ref } from "vue";
import { phonebind, type Schemas } from "./api/phonebind";
import { attempt, usedUpImage, type Problem } from "./api/problems";
import { useCountdown } from "./countdown";
import { answer } from "./human";
import { t } from "./texts";

const MOBILE = /^1[3-9]\d{9}$/;

/** Asking for an SMS code: the image code, the human check, the countdown. `ticket` is the `access_token`. */
export function useSmsCode(mobile: Ref<string>, ticket: string) {
  const needs = ref<Schemas["PhonebindHumanCheck"]>({ image: true, human_check: null });
  const image = ref("");
  const text = ref("");
  const withoutImage = ref(false);
  const problem = ref<Problem | null>(null);
  const sending = ref(false);
  const sentTo = ref("");
  const { left, start } = useCountdown();

  /** What an SMS to this number takes now. An answer is good for one SMS, so it is asked before each. */
  async function ask(): Promise<boolean> {
    const params = { path: { mobile: mobile.value }, query: { without_image: withoutImage.value } };
    const [found, refused] = await attempt(phonebind.GET("/api/human_checks/{mobile}/", { params }));
    if (found) needs.value = found;
    problem.value = refused;
    return !refused;
  }

  function newImage(): void {
    image.value = crypto.randomUUID(); // the client makes the id up; the server draws for it
    text.value = "";
  }

  async function body(): Promise<Schemas["PhonebindSmsCodeForm"]> {
    const asked = needs.value.human_check;
    return {
      access_token: ticket,
      without_image: withoutImage.value,
      ...(needs.value.image ? { image_code_id: image.value, text: text.value } : {}),
      ...(asked ? { human_check: await answer(asked) } : {}),
    };
  }

  async function send(): Promise<void> {
    sending.value = true;
    sentTo.value = "";
    try {
      if (await ask()) await sendWith(await body());
    } catch {
      problem.value = { code: "human_check_invalid", message: t.checkFailed };
    } finally {
      sending.value = false;
    }
  }

  async function sendWith(form: Schemas["PhonebindSmsCodeForm"]): Promise<void> {
    const params = { path: { mobile: mobile.value } };
    const [sent, refused] = await attempt(phonebind.POST("/api/sms_codes/{mobile}/", { params, body: form }));
    problem.value = refused;
    start(sent?.resend_after ?? refused?.retry_after ?? 0);
    if (sent) sentTo.value = mobile.value;
    if (!refused || usedUpImage(refused)) newImage();
  }

  watch([mobile, withoutImage], () => MOBILE.test(mobile.value) && void ask());
  newImage();
  const showImage = computed(() => needs.value.image && !withoutImage.value);
  const imageUrl = computed(() => `/api/image_codes/${image.value}/`);
  return { showImage, imageUrl, text, withoutImage, problem, sending, sentTo, left, newImage, send };
}
