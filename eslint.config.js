import js from "@eslint/js";
import svelte from "eslint-plugin-svelte";
import globals from "globals";
import ts from "typescript-eslint";

// Canisters and the kit are AssemblyScript: TypeScript's syntax with other rules (decorators on
// functions, operator overloads, bare pointers). Their compiler checks them; ESLint cannot parse them.
const assemblyScript = ["backend/cdk/**/*.ts", "backend/canisters/**/*.ts", "backend/chat/**/*.ts", "backend/ledger/**/*.ts", "**/assembly/**", "**/*.as.ts"];
const nodeFilesBesideThem = ["**/*.test.ts", "**/*.bench.ts"];

export default ts.config(
  {
    ignores: [
      "**/node_modules/**", "**/dist/**", "**/build/**", "**/generated/**", "**/declarations/**",
      "**/test-results/**", "**/playwright-report/**", ".parley/**",
      ...assemblyScript, ...nodeFilesBesideThem.map((file) => `!backend/${file}`),
    ],
  },
  js.configs.recommended,
  ...ts.configs.recommended,
  ...svelte.configs["flat/recommended"],
  {
    languageOptions: { globals: { ...globals.node } },
    rules: {
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_", caughtErrors: "none" }],
      "@typescript-eslint/no-non-null-assertion": "off",
      "@typescript-eslint/consistent-type-imports": "error",
      eqeqeq: "error",
      "no-undef": "off",
    },
  },
  {
    files: ["frontend/**"],
    languageOptions: { globals: { ...globals.browser, ...globals.serviceworker } },
  },
  {
    files: ["**/*.svelte", "**/*.svelte.ts"],
    languageOptions: { parserOptions: { parser: ts.parser, extraFileExtensions: [".svelte"] } },
  },
);
