import createClient from "openapi-fetch";
import type { components, paths } from "./schema";

export type Schemas = components["schemas"];

/** phonebind's own endpoints. They take cookies and no token. */
export const phonebind = createClient<paths>();
