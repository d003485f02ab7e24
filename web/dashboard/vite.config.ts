import { defineConfig } from 'vite';

// `npm run dev` shows the page of a Millrace that runs elsewhere: MILLRACE_URL, or its default port.
const target = process.env.MILLRACE_URL ?? 'http://127.0.0.1:8080';
const proxy = Object.fromEntries(['/v1', '/readyz', '/healthz', '/openapi.json'].map((path) => [path, { target }]));

export default defineConfig({
  base: '/',
  esbuild: { jsx: 'automatic', jsxImportSource: 'preact' },
  build: {
    target: 'es2022',
    modulePreload: { polyfill: false },
    // The Content-Security-Policy names no data: fonts or scripts; every asset is a file.
    assetsInlineLimit: 0,
  },
  server: { proxy },
  preview: { proxy },
});
