/** Uploaders send `create_chunks` and `last_chunk` from 2 on. */
export function api_version(): u16 {
  return 2;
}
