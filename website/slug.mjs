/**
 * The anchor of a heading, as GitHub makes it, so that a link leads to the same place there and on the site.
 *
 * @param {string} title
 */
export function slug(title) {
  return title.trim().toLowerCase().replace(/[^\p{L}\p{N}_ -]/gu, '').replaceAll(' ', '-');
}
