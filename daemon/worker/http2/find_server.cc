#include "daemon/worker/http2/client_connection.h"
#include "daemon/worker/serve_request.h"

namespace perchild {
namespace {

Task<Afterwards> serve_http2(Connection& connection, SessionContext& context) {
  http2::ClientConnection client(connection, context);
  const Afterwards afterwards = co_await client.serve();
  co_return afterwards;
}

}  // namespace

Http2Server find_http2_server() {
  return &serve_http2;
}

}  // namespace perchild
