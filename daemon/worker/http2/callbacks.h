// Where nghttp2 calls back, and how it is set up.
//
// Runs in: worker (perchild-tls-worker).
#pragma once

#include <nghttp2/nghttp2.h>

namespace perchild::http2 {

class ClientConnection;

::nghttp2_session* make_session(ClientConnection& connection);

}  // namespace perchild::http2
