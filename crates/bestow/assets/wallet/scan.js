// Step 4: the camera, a picture or a link. Pictures go to the wallet's own process and no further.

import * as api from "./api.js";
import { announce, clear, element, focusHeading, onLeave, show, tell, tellField, working } from "./page.js";
import { begin } from "./receive.js";

const FRAME_SIDE = 1280;
const FRAME_PAUSE = 200;
const PICTURE_BYTES = 20_000_000;

/** The view in which all ways in are side by side. */
export function showAdd() {
  show("view-add", "Add a card");
  element("camera-start").addEventListener("click", () => start());
  element("camera-stop").addEventListener("click", () => stop("The camera is off."));
  element("camera-select").addEventListener("change", (event) => start(event.target.value));
  element("picture-file").addEventListener("change", (event) => picture(event.target.files[0]));
  element("link-form").addEventListener("submit", submitLink);
  onLeave(() => stop());
  focusHeading();
}

async function submitLink(event) {
  event.preventDefault();
  const field = element("link-text");
  const error = element("link-error");
  const text = field.value.trim();
  if (!text) return tellField(field, error, "Paste the link of the offer first.");
  tellField(field, error, "");
  await working(element("link-submit"), "Reading the link …", () => link(text));
}

export async function link(text) {
  clear("add-error");
  try {
    await begin(await api.scanText(text));
  } catch (problem) {
    tell(problem, "add-error");
  }
}

export async function picture(file) {
  clear("add-error");
  if (!file) return;
  if (file.size > PICTURE_BYTES) {
    return tell({ code: "too_large", message: "this picture is larger than 20 MB", hint: "cut out the QR code" }, "add-error");
  }
  announce("Reading the picture …");
  try {
    await begin(await api.scanPicture(file));
  } catch (problem) {
    tell(problem, "add-error");
  }
}

let running = null;

const REASONS = {
  NotAllowedError: "The browser may not use the camera. Allow it in the address bar and start again, or use a picture or the link.",
  NotFoundError: "There is no camera here. Use a picture or the link.",
  OverconstrainedError: "This camera cannot be used. Use a picture or the link.",
  NotReadableError: "Another program is using the camera. Close it and start again, or use a picture or the link.",
};

async function start(deviceId) {
  stop();
  const turn = {};
  running = turn;
  message("Starting the camera …");
  try {
    if (!navigator.mediaDevices?.getUserMedia) throw new DOMException("none", "NotFoundError");
    const wish = deviceId ? { deviceId: { exact: deviceId } } : { facingMode: { ideal: "environment" } };
    const size = { width: { ideal: FRAME_SIDE }, height: { ideal: 720 } };
    turn.stream = await navigator.mediaDevices.getUserMedia({ audio: false, video: { ...wish, ...size } });
  } catch (error) {
    if (running === turn) stop(REASONS[error.name] ?? "The camera does not start. Use a picture or the link.");
    return;
  }
  // Whoever left the view meanwhile does not want to be filmed.
  if (running !== turn) return end(turn.stream);
  await watch(turn);
}

async function watch(turn) {
  const video = element("camera-video");
  video.srcObject = turn.stream;
  element("viewfinder").hidden = false;
  element("camera-off").hidden = true;
  element("camera-start").hidden = true;
  element("camera-stop").hidden = false;
  if (document.activeElement === document.body) element("camera-stop").focus();
  message("Hold the QR code inside the frame.");
  await offerCameras(turn);
  await video.play().catch(() => {});
  while (running === turn) {
    const begun = performance.now();
    await look(turn, video);
    const rest = FRAME_PAUSE - (performance.now() - begun);
    await new Promise((resolve) => setTimeout(resolve, Math.max(rest, 20)));
  }
}

async function offerCameras(turn) {
  const devices = await navigator.mediaDevices.enumerateDevices().catch(() => []);
  const cameras = devices.filter((device) => device.kind === "videoinput");
  if (running !== turn || cameras.length < 2) return;
  const current = turn.stream.getVideoTracks()[0]?.getSettings().deviceId;
  const options = cameras.map((camera, index) => {
    const label = camera.label || `Camera ${index + 1}`;
    return new Option(label, camera.deviceId, false, camera.deviceId === current);
  });
  element("camera-select").replaceChildren(...options);
  element("camera-choice").hidden = false;
}

const HINTS = {
  nothing: "Hold the QR code inside the frame.",
  other: "This QR code is not the offer of a card.",
  several: "There are several offers in the picture. Show one alone.",
};

async function look(turn, video) {
  const grey = brightness(video);
  if (!grey) return;
  try {
    const answer = await api.scanFrame(grey.width, grey.height, grey.luma);
    if (running !== turn) return;
    if (!answer.flow) return message(HINTS[answer.seen] ?? HINTS.nothing);
    navigator.vibrate?.(60);
    stop();
    await begin(answer);
  } catch (problem) {
    if (running !== turn) return;
    stop("The camera is off.");
    tell(problem, "add-error");
  }
}

const canvas = document.createElement("canvas");

/** The present frame: one byte of brightness a pixel. */
function brightness(video) {
  const { videoWidth, videoHeight } = video;
  if (!videoWidth || video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return null;
  const scale = Math.min(1, FRAME_SIDE / Math.max(videoWidth, videoHeight));
  const width = Math.max(1, Math.round(videoWidth * scale));
  const height = Math.max(1, Math.round(videoHeight * scale));
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(video, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  const luma = new Uint8Array(width * height);
  for (let pixel = 0, at = 0; pixel < luma.length; pixel += 1, at += 4) {
    luma[pixel] = (data[at] * 77 + data[at + 1] * 150 + data[at + 2] * 29) >> 8;
  }
  return { width, height, luma };
}

function stop(text) {
  if (running?.stream) end(running.stream);
  running = null;
  if (!element("viewfinder")) return;
  const had = document.activeElement === element("camera-stop");
  element("camera-video").srcObject = null;
  element("viewfinder").hidden = true;
  element("camera-off").hidden = false;
  element("camera-choice").hidden = true;
  element("camera-start").hidden = false;
  element("camera-stop").hidden = true;
  if (had) element("camera-start").focus();
  if (text) message(text);
}

function end(stream) {
  for (const track of stream.getTracks()) track.stop();
}

/** Set only when it changes: it is read aloud. */
function message(text) {
  const place = element("camera-message");
  if (place && place.textContent !== text) place.textContent = text;
}

// Nobody is filmed by a page that nobody sees.
document.addEventListener("visibilitychange", () => {
  if (document.hidden && running) stop("The camera was stopped while you were away.");
});
