// One stream from its request to its end.
//
// Runs in: worker (perchild-tls-worker).
// Does not trust: the client.
#pragma once

#include <string>

#include "daemon/worker/http2/stream.h"
#include "daemon/worker/session.h"

namespace perchild::http2 {

// Runs until the stream is over, and takes it from its connection then.
Session serve_stream(Stream& stream, SessionContext& context, std::string head);

}  // namespace perchild::http2
