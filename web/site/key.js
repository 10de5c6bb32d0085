// The key a server may ask for: kept for this tab alone, sent as a header.
export function keyKept() {
  return sessionStorage.getItem("key") ?? "";
}

export function keepKey(key) {
  sessionStorage.setItem("key", key);
}

export function withKey(headers = {}) {
  const key = keyKept();
  return key ? { ...headers, "X-API-Key": key } : headers;
}

// An image element sends no headers: with a key its bytes are fetched, and shown from here.
export async function showAsset(image, id) {
  if (!keyKept()) {
    image.src = `/assets/${id}`;
    return;
  }
  const response = await fetch(`/assets/${id}`, { headers: withKey() });
  if (!response.ok) return;
  const reader = new FileReader();
  reader.onload = () => { image.src = reader.result; };
  reader.readAsDataURL(await response.blob());
}
