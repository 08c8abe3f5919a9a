#include "vhosts/sites/runner_settings.h"

#include <algorithm>

#include "policy/packed.h"

namespace perchild {
namespace {

void put_program(PackedWriter& writer, const ProgramSettings& program) {
  writer.put(static_cast<std::uint8_t>(program.kind));
  writer.put(static_cast<std::uint8_t>(program.protocol));
  writer.put_text(program.name);
  writer.put_texts(program.command);
  writer.put_texts(program.environment);
  writer.put_text(program.directory);
  writer.put_text(program.address);
  writer.put(static_cast<std::uint8_t>(program.forks ? 1 : 0));
  writer.put(program.most_processes);
  writer.put(program.most_requests);
  writer.put_duration(program.idle);
  writer.put_duration(program.request);
  writer.put_duration(program.queue);
  writer.put(program.longest_queue);
  writer.put_duration(program.session);
}

ProgramSettings get_program(PackedReader& reader) {
  ProgramSettings program;
  program.kind = static_cast<ProgramKind>(reader.get<std::uint8_t>());
  program.protocol = static_cast<ProgramProtocol>(reader.get<std::uint8_t>());
  program.name = reader.get_text();
  program.command = reader.get_texts();
  program.environment = reader.get_texts();
  program.directory = reader.get_text();
  program.address = reader.get_text();
  program.forks = reader.get<std::uint8_t>() != 0;
  program.most_processes = reader.get<std::uint32_t>();
  program.most_requests = reader.get<std::uint32_t>();
  program.idle = reader.get_duration();
  program.request = reader.get_duration();
  program.queue = reader.get_duration();
  program.longest_queue = reader.get<std::uint32_t>();
  program.session = reader.get_duration();
  return program;
}

using Ports = std::optional<std::vector<std::uint16_t>>;

void put_ports(PackedWriter& writer, const Ports& ports) {
  writer.put(static_cast<std::uint8_t>(ports ? 1 : 0));
  if (!ports) return;
  writer.put(static_cast<std::uint32_t>(ports->size()));
  for (const std::uint16_t port : *ports) writer.put(port);
}

bool get_ports(PackedReader& reader, Ports& ports) {
  const auto has_ports = reader.get<std::uint8_t>();
  if (has_ports != 1) return has_ports == 0;
  ports.emplace();
  for (std::uint32_t left = reader.get_count(); left > 0; --left) {
    ports->push_back(reader.get<std::uint16_t>());
  }
  return std::find(ports->begin(), ports->end(), 0) == ports->end();
}

void put_mail(PackedWriter& writer, const MailSettings& mail) {
  writer.put_text(mail.smarthost);
  writer.put(mail.port);
  writer.put(static_cast<std::uint8_t>(mail.tls));
  writer.put_texts(mail.senders);
  writer.put_text(mail.domain);
  writer.put(mail.rate.count);
  writer.put_duration(mail.rate.per);
}

MailSettings get_mail(PackedReader& reader) {
  MailSettings mail;
  mail.smarthost = reader.get_text();
  mail.port = reader.get<std::uint16_t>();
  mail.tls = static_cast<MailTls>(reader.get<std::uint8_t>());
  mail.senders = reader.get_texts();
  mail.domain = reader.get_text();
  mail.rate.count = mail.rate.burst = reader.get<std::uint32_t>();
  mail.rate.per = reader.get_duration();
  return mail;
}

bool is_good_mail(const MailSettings& mail) {
  return !mail.smarthost.empty() && mail.port != 0 && mail.tls <= MailTls::on &&
         !mail.senders.empty() && !mail.domain.empty() && mail.rate.per >= std::chrono::seconds(1);
}

bool is_absolute(const std::string& path) {
  return path.starts_with('/');
}

bool is_good_program(const ProgramSettings& program) {
  const bool starts_command =
      program.kind == ProgramKind::fastcgi_pool || program.kind == ProgramKind::app;
  return program.kind <= ProgramKind::backend && program.protocol <= ProgramProtocol::http &&
         program.most_processes >= 1 && program.idle.count() >= 0 && program.request.count() >= 0 &&
         program.queue.count() >= 0 && program.session.count() >= 0 &&
         (!starts_command || (!program.command.empty() && is_absolute(program.command.front()))) &&
         (program.kind != ProgramKind::backend || !program.address.empty()) &&
         (program.directory.empty() || is_absolute(program.directory));
}

}  // namespace

std::string RunnerSettings::pack() const {
  PackedWriter writer;
  writer.put_text(root);
  writer.put_texts(writable);
  writer.put_texts(executable);
  writer.put_text(tmp);
  put_ports(writer, connect_ports);
  writer.put(quota.memory);
  writer.put(quota.processes);
  writer.put(quota.cpu_percent);
  writer.put(quota.io);
  writer.put(most_log_bytes);
  writer.put(static_cast<std::uint8_t>(landlock));
  writer.put(static_cast<std::uint32_t>(programs.size()));
  for (const ProgramSettings& program : programs) put_program(writer, program);
  writer.put_text(fork_server);
  writer.put_text(filter);
  writer.put_text(refusals);
  writer.put(static_cast<std::uint8_t>(mail ? 1 : 0));
  if (mail) {
    put_mail(writer, *mail);
    writer.put_text(sendmail);
  }
  return writer.take();
}

std::optional<RunnerSettings> RunnerSettings::unpack(std::string_view bytes) {
  PackedReader reader(bytes);
  RunnerSettings settings;
  settings.root = reader.get_text();
  settings.writable = reader.get_texts();
  settings.executable = reader.get_texts();
  settings.tmp = reader.get_text();
  const bool good_ports = get_ports(reader, settings.connect_ports);
  settings.quota.memory = reader.get<std::uint64_t>();
  settings.quota.processes = reader.get<std::uint32_t>();
  settings.quota.cpu_percent = reader.get<std::uint32_t>();
  settings.quota.io = reader.get<std::uint64_t>();
  settings.most_log_bytes = reader.get<std::uint64_t>();
  settings.landlock = static_cast<Requirement>(reader.get<std::uint8_t>());
  for (std::uint32_t left = reader.get_count(); left > 0; --left) {
    settings.programs.push_back(get_program(reader));
  }
  settings.fork_server = reader.get_text();
  settings.filter = reader.get_text();
  settings.refusals = reader.get_text();
  const auto has_mail = reader.get<std::uint8_t>();
  if (has_mail == 1) {
    settings.mail = get_mail(reader);
    settings.sendmail = reader.get_text();
  }
  const bool good_mail = has_mail == 0 || (has_mail == 1 && is_good_mail(*settings.mail) &&
                                           is_absolute(settings.sendmail));
  const auto all = [](const auto& list, auto holds) {
    return std::all_of(list.begin(), list.end(), holds);
  };
  const bool good_fork_server = settings.fork_server.empty() || is_absolute(settings.fork_server);
  const bool good_tmp = settings.tmp.empty() || is_absolute(settings.tmp);
  const bool plausible =
      reader.done() && good_tmp && good_ports && good_mail && good_fork_server &&
      is_absolute(settings.root) && settings.landlock <= Requirement::if_available &&
      !settings.programs.empty() && settings.programs.size() <= most_programs &&
      all(settings.programs, is_good_program) && all(settings.writable, is_absolute) &&
      all(settings.executable, is_absolute);
  return plausible ? std::optional(std::move(settings)) : std::nullopt;
}

}  // namespace perchild
