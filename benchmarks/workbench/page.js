// Runs in the workbench's page before its own scripts: stop-watches for the benchmark.

/** @param {boolean} wanted @returns {Promise<number>} when the button that accepts a mask has come or gone, and a frame was drawn since */
function acceptable(wanted) {
  return new Promise((done) => {
    const look = () => {
      const found = document.querySelector('[data-command=accept]:not([disabled])') !== null;
      requestAnimationFrame(found === wanted ? () => done(performance.now()) : look);
    };
    look();
  });
}

/** Times the next click: `window.clicked` becomes the milliseconds from the pointer going down to the painted mask. */
window.armClick = async () => {
  await acceptable(false);
  const stage = document.querySelector('#stage');
  window.clicked = new Promise((done) => {
    const begin = (event) => void acceptable(true).then((at) => done(at - event.timeStamp));
    stage.addEventListener('pointerdown', begin, { once: true, capture: true });
  });
};

/** Milliseconds of the bare decoder for one point, given as shares of width and height. */
window.decodeBare = async ({ assignment, base, spot: [across, down] }) => {
  window.bare ??= await openBare(assignment, base);
  const { id, width, height } = assignment.image;
  const point = { x: Math.floor(across * width), y: Math.floor(down * height), label: 1 };
  const decoded = await window.bare.decode({ imageKey: id, prompt: { points: [point], box: null }, maskInput: null });
  return decoded.latencyMs;
};

async function openBare({ model, image, embedding_url }, base) {
  const { DecoderClient } = await import(`${base}js/decoder/decoder_client.js`);
  const client = await DecoderClient.start({ workerUrl: `${base}js/decoder/decoder_worker.js`, ortBase: `${base}vendor/ort/` });
  await client.loadModel({ manifestUrl: model.manifest_url, filesUrl: model.files_url });
  await client.openImage({
    imageKey: image.id,
    embeddingUrl: embedding_url,
    expected: { imageSha256: image.sha256, encoderFingerprint: model.encoder_fingerprint },
    bundleFingerprint: model.bundle_fingerprint,
    size: { width: image.width, height: image.height },
  });
  await client.trial;
  return client;
}
