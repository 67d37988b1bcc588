-- Purpose: a rotation of the encryption key is no change of a connection.
-- Tables: private.github_connections.
-- Notes:
--   * `make rotate-keys` puts another key_id and wrapped_key into a sealed token; its data key and its ciphertext stay.
--     Nobody has stored a new token, so that neither version nor updated_at, which the owner sees, says so.
--   * Whatever else is written in the same statement is a change as before. The lists name all that may differ: a column
--     that is added tomorrow is looked after by itself.

set local lock_timeout = '4s';
set local statement_timeout = '5s';

-- triggers ----------------------------------------------------------------------------------------------------------

create or replace trigger touch
  before update on private.github_connections
  for each row
  when (
    to_jsonb(old) - array['sealed_token', 'sealed_refresh_token']
    is distinct from to_jsonb(new) - array['sealed_token', 'sealed_refresh_token']
    or old.sealed_token - array['key_id', 'wrapped_key']
    is distinct from new.sealed_token - array['key_id', 'wrapped_key']
    or old.sealed_refresh_token - array['key_id', 'wrapped_key']
    is distinct from new.sealed_refresh_token - array['key_id', 'wrapped_key']
  )
  execute function private.touch();
