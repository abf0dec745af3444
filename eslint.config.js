// The small set of rules that types cannot check.
const RULES = {
  'no-var': 'error',
  'prefer-const': 'error',
  eqeqeq: ['error', 'always'],
  'no-unused-vars': 'off', // tsc: noUnusedLocals, noUnusedParameters
  'no-eval': 'error',
  'no-implied-eval': 'error',
  'no-new-func': 'error',
  'no-debugger': 'error',
  'no-console': 'error',
  'no-self-compare': 'error',
  'no-unreachable-loop': 'error',
  'no-restricted-syntax': [
    'error',
    {
      selector: 'Program > VariableDeclaration[kind="let"]',
      message: 'No module-level let: keep the state in the thing that lives.',
    },
    {
      selector: 'Program > ExportNamedDeclaration > VariableDeclaration[kind="let"]',
      message: 'No module-level let: keep the state in the thing that lives.',
    },
    {
      selector: 'AssignmentExpression[left.property.name=/^(innerHTML|outerHTML)$/]',
      message: 'Use textContent or build elements.',
    },
    {
      selector: 'CallExpression[callee.property.name="insertAdjacentHTML"]',
      message: 'Use textContent or build elements.',
    },
  ],
};

export default [
  { ignores: ['web/static/vendor/**', 'node_modules/**'] },
  { files: ['web/static/js/**/*.js', 'tests/js/**/*.js', 'tests/parity/**/*.js'], rules: RULES },
];
