// A Jupyter server closes the connection at a message of more than 10 MiB: files travel in pieces, which
// `smis_widgets.uploads` puts together.
const PIECE = 4 * 2 ** 20;
const LARGEST_FILE = 64 * 2 ** 20;

// `send(content, buffers)` is called for each piece.
async function sendFile(file, send) {
  const upload = Array.from(crypto.getRandomValues(new Uint8Array(8)), (each) => each.toString(16)).join("");
  const about = { name: file.name || "pasted.png", size: file.size, upload };
  // Python says what is too large.
  if (file.size > LARGEST_FILE) return send({ ...about, at: 0 }, []);
  for (let at = 0; at === 0 || at < file.size; at += PIECE) {
    send({ ...about, at }, [await file.slice(at, at + PIECE).arrayBuffer()]);
  }
}
