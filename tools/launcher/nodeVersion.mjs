// Which Node runs the launcher. Written in the JavaScript of 2017: a Node that is too old must get as far as the answer.

/** As npm writes it; `engines` of package.json says the same. */
export const NODE_RANGE = '^20.19 || ^22.13 || >=24';

/** Whether a version satisfies one part of the range: `^MAJOR.MINOR` or `>=MAJOR`. */
function satisfies(part, major, minor) {
  const numbers = part.replace(/^\D+/, '').split('.').map(Number);
  if (part.charAt(0) === '>') return major >= numbers[0];
  return major === numbers[0] && minor >= numbers[1];
}

/**
 * What is wrong with a version of Node; null when nothing is.
 * @param {string} version e.g. `20.18.1` @returns {string | null}
 */
export function nodeProblem(version) {
  const numbers = version.split('.').map(Number);
  const fits = NODE_RANGE.split(' || ').some(function (part) {
    return satisfies(part, numbers[0], numbers[1]);
  });
  if (fits) return null;
  return (
    'Lorikeet needs Node 20.19 or later in 20, 22.13 or later in 22, or 24 and later (' +
    NODE_RANGE +
    '); this is Node ' +
    version +
    '.\n  Get a current one from https://nodejs.org or with your version manager, e.g. nvm install 24.'
  );
}
