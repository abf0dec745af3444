// The top bar of every page: the switch between light and dark.

import { byId } from '../widgets/elements.js';

const YEAR_S = 365 * 24 * 3600;

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
}

function switchTheme() {
  const theme = isDark() ? 'light' : 'dark';
  document.documentElement.dataset.theme = theme;
  document.cookie = `theme=${theme}; path=/; max-age=${YEAR_S}; samesite=lax`;
}

byId('theme-switch', HTMLButtonElement).addEventListener('click', switchTheme);
