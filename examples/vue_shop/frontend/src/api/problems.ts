import type { Schemas } from "./phonebind";
import { t } from "../texts";

/** What every refusal of phonebind looks like. `message` is for people; `code` is for programs and never changes. */
export type Problem = Schemas["PhonebindError"];

/** The sign-in is over: it begins anew at the provider. */
const OVER = new Set(["state_invalid", "code_invalid", "ticket_invalid", "sign_in_cancelled", "snapshot_user", "already_bound"]);
/** The image was not looked at, so it is as good as before. */
const IMAGE_KEPT = new Set(["invalid", "human_check_invalid", "human_check_unavailable", "too_many_requests"]);

export const isOver = (problem: Problem): boolean => OVER.has(problem.code);
export const usedUpImage = (problem: Problem): boolean => !IMAGE_KEPT.has(problem.code);

/** The message for one field, or "". */
export function ofField(problem: Problem | null, field: string): string {
  return problem?.errors?.[field]?.join(" ") ?? "";
}

/** The message that belongs to none of the fields on the page, or "". */
export function ofNoField(problem: Problem | null, fields: readonly string[]): string {
  return problem && !fields.some((field) => ofField(problem, field)) ? problem.message : "";
}

/** What `ask` answers, or the problem; also where there is no network, and where a proxy answers in our place. */
export async function attempt<T>(ask: Promise<{ data?: T; error?: unknown }>): Promise<[T, null] | [null, Problem]> {
  try {
    const { data, error } = await ask;
    if (data !== undefined) return [data, null];
    if (isProblem(error)) return [null, error];
    if (isDetail(error)) return [null, { code: "", message: error.detail }];
  } catch {
    // no network, or no JSON
  }
  return [null, { code: "", message: t.offline }];
}

/** What Django REST framework's own refusals look like, at your shop's endpoints. */
function isDetail(error: unknown): error is { detail: string } {
  return typeof error === "object" && error !== null && "detail" in error && typeof error.detail === "string";
}

function isProblem(error: unknown): error is Problem {
  return typeof error === "object" && error !== null && "code" in error && "message" in error;
}
