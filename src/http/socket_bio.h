#pragma once

#include <openssl/ssl.h>

namespace millrace::http {

// Has `session` speak over `socket`, which stays the caller's and must outlive it. (OpenSSL's own socket BIO writes with write(),
// which raises SIGPIPE.) False when there is no memory for it.
bool attach_socket(SSL* session, int socket);

}  // namespace millrace::http
