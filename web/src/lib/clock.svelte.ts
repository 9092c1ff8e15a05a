/** The present second, as state. */
let now = $state(Date.now());

setInterval(() => {
  if (!document.hidden) now = Date.now();
}, 1000);

export const clock = {
  get now(): number {
    return now;
  },
};
