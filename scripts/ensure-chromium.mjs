import { findChromium, HOW_TO_GET_CHROMIUM } from './find-chromium.mjs';
import { installDebianPackages, mayInstall } from './install-debian-packages.mjs';

/** Installs Chromium where it is missing and this may be done. Where it cannot be had, the tests of the dashboard's page say so and are skipped. */
export async function ensureChromium() {
  if (findChromium() !== undefined) return;
  if (!mayInstall()) {
    console.error(`The dashboard is not looked at in a browser: there is no Chromium on this machine. ${HOW_TO_GET_CHROMIUM}`);
    return;
  }
  console.error('Installing Chromium (apt-get install chromium), which this machine lacks and the tests of the dashboard need ...');
  await installDebianPackages(['chromium']);
}
