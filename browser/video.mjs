// What a camera sees: Chromium plays a Y4M file in place of a camera (`FLAGS`).

import { writeFile } from "node:fs/promises";

const WIDTH = 640;
const HEIGHT = 480;
const FRAMES = 5;
const GREY = 128; // of the two planes of colour

/** Flags with which a browser has a camera that plays `file`, and needs no yes for it. */
export function cameraFlags(file) {
  return [
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    `--use-file-for-fake-video-capture=${file}`,
  ];
}

/** Films a PNG that somebody holds a little askew before a dim wall. */
export async function film(page, png, file) {
  const size = { width: WIDTH, height: HEIGHT };
  const luma = Buffer.from(await page.evaluate(look, { png: png.toString("base64"), ...size }));
  const colour = Buffer.alloc(WIDTH * HEIGHT / 2, GREY);
  const frame = Buffer.concat([Buffer.from("FRAME\n"), luma, colour]);
  const header = Buffer.from(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F10:1 Ip A1:1 C420\n`);
  await writeFile(file, Buffer.concat([header, ...Array(FRAMES).fill(frame)]));
}

/** Runs in the page: the brightness of each pixel. */
async function look({ png, width, height }) {
  const bytes = Uint8Array.from(atob(png), (letter) => letter.charCodeAt(0));
  const picture = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
  const context = new OffscreenCanvas(width, height).getContext("2d");
  const side = height * 0.72;
  context.fillStyle = "#777";
  context.fillRect(0, 0, width, height);
  context.translate(width / 2, height / 2);
  context.rotate(0.1);
  context.drawImage(picture, -side / 2, -side / 2, side, side);
  const { data } = context.getImageData(0, 0, width, height);
  const luma = (_, pixel) => 16 + Math.round(data[4 * pixel] * 0.86); // black is 16, white 235
  return Array.from({ length: width * height }, luma);
}
