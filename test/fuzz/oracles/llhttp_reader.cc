// Node.js's parser.
#include <llhttp.h>

#include "test/fuzz/oracles/message.h"
#include "vhosts/http1/characters.h"

namespace perchild::fuzz {
namespace {

Message& message_of(llhttp_t* parser) {
  return *static_cast<Message*>(parser->data);
}

// A part of a text arrives in any number of calls.
template <std::string Message::*text>
int append(llhttp_t* parser, const char* at, std::size_t length) {
  (message_of(parser).*text).append(at, length);
  return 0;
}

// A trailer has the same calls as a field. Like us, nobody who frames messages reads them.
int on_field_name(llhttp_t* parser, const char* at, std::size_t length) {
  Message& message = message_of(parser);
  if (message.has_head) return 0;
  if (message.fields.empty() || message.fields.back().value.ends_with('\n')) {
    message.fields.emplace_back();
  }
  message.fields.back().name.append(at, length);
  return 0;
}

int on_field_value(llhttp_t* parser, const char* at, std::size_t length) {
  Message& message = message_of(parser);
  if (!message.has_head) message.fields.back().value.append(at, length);
  return 0;
}

// Marks the value as complete: an empty one has no other call.
int on_field_end(llhttp_t* parser) {
  Message& message = message_of(parser);
  if (!message.has_head) message.fields.back().value += '\n';
  return 0;
}

int on_head_end(llhttp_t* parser) {
  Message& message = message_of(parser);
  message.has_head = true;
  message.is_http_1_0 = parser->http_minor == 0;
  message.chunked = (parser->flags & F_CHUNKED) != 0;
  if ((parser->flags & F_CONTENT_LENGTH) != 0) message.content_length = parser->content_length;
  for (MessageField& field : message.fields) {
    field.value.pop_back();
    field.value = http1::trim_whitespace(field.value);
  }
  return 0;
}

// Stops at the end of the first message.
int on_message_end(llhttp_t* parser) {
  message_of(parser).end = Message::End::reached;
  return HPE_PAUSED;
}

llhttp_settings_t settings_with_callbacks() {
  llhttp_settings_t settings;
  llhttp_settings_init(&settings);
  settings.on_method = append<&Message::method>;
  settings.on_url = append<&Message::target>;
  settings.on_header_field = on_field_name;
  settings.on_header_value = on_field_value;
  settings.on_header_value_complete = on_field_end;
  settings.on_headers_complete = on_head_end;
  settings.on_body = append<&Message::body>;
  settings.on_message_complete = on_message_end;
  return settings;
}

}  // namespace

Message read_with_llhttp(std::string_view bytes) {
  Message message;
  const llhttp_settings_t settings = settings_with_callbacks();
  llhttp_t parser;
  llhttp_init(&parser, HTTP_REQUEST, &settings);
  parser.data = &message;
  const llhttp_errno_t outcome = llhttp_execute(&parser, bytes.data(), bytes.size());
  if (message.end == Message::End::reached) {
    message.length = static_cast<std::size_t>(llhttp_get_error_pos(&parser) - bytes.data());
  } else if (outcome != HPE_OK) {
    message.end = Message::End::rejected;
  }
  return message;
}

}  // namespace perchild::fuzz
