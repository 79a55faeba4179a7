// sluice help: pages that work without a network.

#include <fmt/format.h>

#include <algorithm>

#include "cli/commands.h"
#include "cli/configuration_page.h"
#include "cli/exit_codes.h"
#include "config/did_you_mean.h"
#include "config/printable.h"

namespace sluice::cli {
namespace {

struct Topic {
  std::string_view name;
  std::string_view summary;
  std::string_view text;
};

constexpr std::string_view kExitCodes =
    "code     name           when                                                             retry?\n"
    "0        ok             done, or already in the requested state                          -\n"
    "1        failed         unexpected failure                                               maybe\n"
    "2        usage          bad flag, command or argument                                    no\n"
    "3        findings       check or verify found problems; the command itself worked        no\n"
    "4        degraded       partly done: some tables failed                                  no\n"
    "5        not_found      the table, sink, code or process does not exist                  no\n"
    "6        conflict       somebody else holds the slot or writes to the destination        later\n"
    "7        refused        would lose data or overwrite; needs a flag that says so          human\n"
    "8        timed_out      the time given with a flag is over, the work goes on             later\n"
    "69       unavailable    a dependency could not be reached                                yes\n"
    "77       no_permission  a right is missing in the database or on disk                    no\n"
    "78       config         the configuration has mistakes                                   no\n"
    "130/143  interrupted    SIGINT or SIGTERM; a second one skips the graceful stop          -\n";

constexpr std::string_view kConfig =
    "sluice.yaml is read first and interpolated afterwards, only inside single values, so no variable can\n"
    "change its structure. Unknown fields are errors. All mistakes are told at once: sluice check\n"
    "\n"
    "  ${NAME}                  environment variable; unset is an error\n"
    "  ${NAME:-default}         with a default\n"
    "  ${NAME:?message}         with the words of the error\n"
    "  ${var.NAME}              from vars: above it\n"
    "  ${secret:file:NAME}      the file .sluice/secrets/NAME beside the configuration\n"
    "  $${literal}              ${literal}\n"
    "\n"
    "Durations: 500ms 30s 5m 24h 7d. Sizes: 64KiB 64MiB 40GiB 1MB. Passwords in plain text are refused.\n"
    "One field for one run: sluice -X sinks.lake.commit.interval=5s run\n"
    "All fields: sluice help fields\n";

constexpr std::string_view kMapping =
    "map: of a sink says what it shows of the source's tables. Of several entries that fit a table the first that\n"
    "says something about a name or a column decides; exclusions and conditions add up.\n"
    "\n"
    "  map:\n"
    "    - table: public.player                # or a pattern: \"public.*\"\n"
    "      to: crm.players                     # not with a pattern\n"
    "      columns:\n"
    "        exclude: [photo]\n"
    "        rename: { e_mail: email }\n"
    "        mask:                             # by the source's names\n"
    "          e_mail: { hash: { salt: \"${secret:file:salt}\" } }\n"
    "          phone: { partial: { keep_last: 2 } }      # or keep_first\n"
    "          birth_date: { truncate: year }            # year, month, day, hour; a multiple; characters\n"
    "          note: redact\n"
    "          fax: null\n"
    "      where:                              # all must hold: eq ne lt le gt ge in is_null\n"
    "        - { column: country, in: [DE, DK] }\n"
    "    - { namespace: public, to: raw }\n"
    "\n"
    "sluice check tells what becomes of each table. A mapping that changes has its tables copied again.\n";

constexpr std::string_view kSlots =
    "A replication slot makes the source keep its log until sluice has taken it. It is created by the first\n"
    "sluice run, survives restarts, and holds log while sluice is down: watch it with sluice status and set\n"
    "max_slot_wal_keep_size on the source. sluice teardown drops it and proves that it is gone.\n"
    "What sluice acknowledges is the minimum of what its sinks have made durable.\n";

constexpr Topic kTopics[] = {
    {"config", "the configuration file", kConfig},
    {"fields", "every field of the configuration, with its default", kConfigurationPage},
    {"exit-codes", "what the program's exit codes mean", kExitCodes},
    {"mapping", "names, columns, masks and rows per sink", kMapping},
    {"slots", "what a replication slot costs the source", kSlots},
};

Result<ExitCode> Help(const std::string& name, const CLI::App& app) {
  if (name.empty() || name == "topics") {
    for (const Topic& topic : kTopics) PrintData(fmt::format("  sluice help {:<12} {}\n", topic.name, topic.summary));
    PrintData("  sluice explain CODE      what an error means\n  sluice COMMAND --help    a command's flags\n");
    return ExitCode::kOk;
  }
  std::vector<std::string> known;
  for (const Topic& topic : kTopics) {
    if (topic.name == name) {
      PrintData(topic.text);
      return ExitCode::kOk;
    }
    known.emplace_back(topic.name);
  }
  for (const CLI::App* verb : app.get_subcommands({})) {
    if (verb->get_name() == name) {
      PrintData(verb->help());
      return ExitCode::kOk;
    }
    known.push_back(verb->get_name());
  }
  const auto begins = std::find_if(known.begin(), known.end(), [&](const std::string& one) { return one.starts_with(name); });
  const auto meant = begins != known.end() ? *begins : DidYouMean(name, known);
  return Error{ErrorKind::kNeedsOperator, fmt::format("there is no topic \"{}\"", Printable(name)), slu::kUsage, "", "",
               {meant ? fmt::format("did you mean: sluice help {}", *meant) : "see all topics: sluice help topics"}};
}

}  // namespace

std::string_view NameOf(ExitCode code) {
  switch (code) {
    case ExitCode::kOk: return "ok";
    case ExitCode::kFailed: return "failed";
    case ExitCode::kUsage: return "usage";
    case ExitCode::kFindings: return "findings";
    case ExitCode::kDegraded: return "degraded";
    case ExitCode::kNotFound: return "not_found";
    case ExitCode::kConflict: return "conflict";
    case ExitCode::kRefused: return "refused";
    case ExitCode::kTimedOut: return "timed_out";
    case ExitCode::kUnavailable: return "unavailable";
    case ExitCode::kNoPermission: return "no_permission";
    case ExitCode::kConfig: return "config";
    case ExitCode::kInterrupted: return "interrupted";
    case ExitCode::kTerminated: return "interrupted";
  }
  return "failed";
}

std::string_view ExitCodesTopic() { return kExitCodes; }

void AddHelp(CLI::App& app, Invocation& invocation) {
  CLI::App* verb = AddVerb(app, "help", "Pages about config, mapping, slots and exit codes",
                           "  sluice help topics\n"
                           "  sluice help exit-codes\n");
  const auto name = std::make_shared<std::string>();
  verb->add_option("topic", *name, "a topic or a command");
  const CLI::App* root = &app;
  verb->callback([&invocation, name, root] { invocation.command = [name, root] { return Help(*name, *root); }; });
}

}  // namespace sluice::cli
