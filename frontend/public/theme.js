// Before the first paint: a chosen theme must not flash the other one.
try {
  const { theme } = JSON.parse(localStorage.getItem('parley-settings') ?? '{}');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // Nothing chosen, or not ours: the device decides.
}
