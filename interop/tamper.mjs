// Wrong input that is as near to the right one as it can be.

/** The same text with the base64url character at `at` replaced by another one. */
export function changeByte(text, at) {
  const other = text[at] === "A" ? "B" : "A";
  return text.slice(0, at) + other + text.slice(at + 1);
}

/** Another transaction code of the same length. */
export function otherCode(code) {
  const next = (Number(code) + 1) % 10 ** code.length;
  return String(next).padStart(code.length, "0");
}
