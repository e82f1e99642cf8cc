import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vite";

// Browsers see one origin: no CORS, and the cookies of a sign-in come along. In production nginx does the same.
const backend = process.env.BACKEND ?? "http://127.0.0.1:8000";

export default defineConfig({
  plugins: [vue()],
  server: { host: "127.0.0.1", port: 5173, strictPort: true, proxy: { "/api": backend } },
  preview: { host: "127.0.0.1", port: 5173, strictPort: true },
});
