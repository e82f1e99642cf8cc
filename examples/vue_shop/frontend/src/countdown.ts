import { onUnmounted, ref, type Ref } from "vue";

/** Seconds until a code may be asked for again: `resend_after` of a success, `retry_after` of a refusal. */
export function useCountdown(): { left: Ref<number>; start(seconds: number): void } {
  const left = ref(0);
  let end = 0;
  let timer = 0;

  function tick(): void {
    // By the clock: timers of a tab in the background are late.
    left.value = Math.max(0, Math.ceil((end - Date.now()) / 1000));
    if (!left.value) clearInterval(timer);
  }

  function start(seconds: number): void {
    clearInterval(timer);
    end = Date.now() + seconds * 1000;
    timer = window.setInterval(tick, 250);
    tick();
  }

  onUnmounted(() => clearInterval(timer));
  return { left, start };
}
