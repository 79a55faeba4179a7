#include "cli/cli.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <new>

#include "base/failpoint.h"
#include "cli/commands.h"
#include "cli/render_error.h"
#include "config/did_you_mean.h"
#include "config/printable.h"

namespace sluice::cli {
namespace {

// "sluice bookmark list": a verb's help names the whole command.
std::string FullName(const CLI::App* app, const std::string& name) {
  return app->get_parent() == nullptr ? name : FullName(app->get_parent(), app->get_parent()->get_name()) + " " + app->get_name();
}

// Examples come first: they answer most questions. They are kept as the footer, which has no other use here.
class ExamplesFirst : public CLI::Formatter {
 public:
  std::string make_usage(const CLI::App* app, std::string name) const override {
    const std::string examples = app->get_footer();
    return (examples.empty() ? "" : "Examples:\n" + examples + "\n") + CLI::Formatter::make_usage(app, FullName(app, name));
  }
  std::string make_footer(const CLI::App*) const override { return ""; }
};

void AddGlobalOptions(CLI::App& app, GlobalOptions& options) {
  app.add_option("-c,--config", options.config_file, "configuration file (SLUICE_CONFIG; default ./sluice.yaml)")->type_name("FILE");
  app.add_option("-X", options.overrides, "override one field of the configuration: sinks.lake.commit.interval=5s")
      ->type_name("PATH=VALUE")->allow_extra_args(false);
  app.add_option("-o,--output", options.output, "table or json")->check(CLI::IsMember({"table", "json"}))->type_name("FORMAT");
  app.add_flag("--json", options.json, "the same as -o json");
  app.add_flag("-q,--quiet", options.quiet, "warnings and errors only");
  app.add_flag("-v,--verbose", options.verbose, "more log lines");
  app.add_option("--log-format", options.log_format, "auto, text or json")->check(CLI::IsMember({"auto", "text", "json"}))->type_name("FORMAT");
  app.add_flag("--no-color", options.no_color, "no colors (NO_COLOR)");
  app.add_flag("--no-progress", options.no_progress, "no lines that are redrawn");
  app.add_flag("-y,--yes", options.yes, "answer every question with yes");
}

void AddVerbs(CLI::App& app, Invocation& invocation) {
  AddInit(app, invocation);
  AddCheck(app, invocation);
  AddRun(app, invocation);
  AddServe(app, invocation);
  AddStatus(app, invocation);
  AddTables(app, invocation);
  AddBookmark(app, invocation);
  AddLake(app, invocation);
  AddSql(app, invocation);
  AddRestore(app, invocation);
  AddVerify(app, invocation);
  AddResync(app, invocation);
  AddSkip(app, invocation);
  AddStartOver(app, invocation);
  AddTeardown(app, invocation);
  AddDemo(app, invocation);
  AddExplain(app, invocation);
  AddVersion(app, invocation);
  AddDebug(app, invocation);
  AddHelp(app, invocation);
}

Terminal FindTerminal(const GlobalOptions& options) {
  Terminal terminal;
  terminal.stdout_is_tty = isatty(STDOUT_FILENO) == 1;
  terminal.stderr_is_tty = isatty(STDERR_FILENO) == 1;
  const char* const no_color = std::getenv("NO_COLOR");
  const char* const term = std::getenv("TERM");
  const bool dumb = term == nullptr || std::string_view(term) == "dumb";
  terminal.color = terminal.stderr_is_tty && !options.no_color && (no_color == nullptr || *no_color == '\0') && !dumb;
  terminal.progress = terminal.stderr_is_tty && !options.no_progress && !options.quiet && !dumb;
  return terminal;
}

// The first word that is no flag, skipping the values of global options.
std::string FirstWord(int argc, char** argv, const CLI::App& app) {
  for (int at = 1; at < argc; ++at) {
    const std::string word = argv[at];
    if (word.empty() || word[0] != '-') return word;
    const CLI::Option* option = app.get_option_no_throw(word);
    if (option != nullptr && option->get_items_expected_max() > 0) ++at;
  }
  return "";
}

std::vector<std::string> Names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* verb : app.get_subcommands({})) names.push_back(verb->get_name());
  return names;
}

std::vector<std::string> Flags(const CLI::App& app) {
  std::vector<std::string> flags;
  for (const CLI::App* at = &app; at != nullptr; at = at->get_parent())
    for (const CLI::Option* option : at->get_options())
      for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
  return flags;
}

// The deepest verb that was named.
const CLI::App& Named(const CLI::App& app) {
  const std::vector<CLI::App*> named = app.get_subcommands();
  return named.empty() ? app : Named(*named.front());
}

Error Usage(std::string message, std::string remedy) {
  return Error{ErrorKind::kNeedsOperator, std::move(message), slu::kUsage, "", "", {std::move(remedy)}};
}

// CLI11's own words are good, but know no typing errors.
Error UsageError(const CLI::ParseError& parse, const CLI::App& app, int argc, char** argv) {
  const std::string first = FirstWord(argc, argv, app);
  const std::vector<std::string> verbs = Names(app);
  if (!first.empty() && std::find(verbs.begin(), verbs.end(), first) == verbs.end()) {
    const auto meant = DidYouMean(first, verbs);
    return Usage(fmt::format("there is no command \"{}\"", Printable(first)),
                 meant ? fmt::format("did you mean: sluice {}", *meant) : "see all commands: sluice --help");
  }
  const CLI::App& verb = Named(app);
  const std::string help = fmt::format("see its flags: sluice {}{}--help", &verb == &app ? "" : verb.get_name(), &verb == &app ? "" : " ");
  if (parse.get_exit_code() == static_cast<int>(CLI::ExitCodes::ExtrasError)) {
    const std::vector<std::string> extras = app.remaining(true);
    const std::string extra = extras.empty() ? "" : extras.front();
    std::vector<std::string> candidates = extra.starts_with("-") ? Flags(verb) : Names(verb);
    const auto meant = DidYouMean(extra.substr(0, extra.find('=')), candidates);
    return Usage(fmt::format("{} does not take \"{}\"", &verb == &app ? "sluice" : "sluice " + verb.get_name(), Printable(extra)),
                 meant ? fmt::format("did you mean {}?", *meant) : help);
  }
  return Usage(Printable(parse.what()), help);
}

ExitCode Fail(const Error& error, const Invocation& invocation) {
  const bool mistakes = error.code == slu::kConfigMistakes && invocation.loaded;
  if (invocation.options.json)
    PrintTalk((mistakes ? MistakesToJson(*invocation.loaded) : ErrorToJson(error)).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
  else
    PrintTalk(mistakes ? RenderMistakes(*invocation.loaded, invocation.terminal.color) : RenderError(error, invocation.terminal.color));
  return ExitCodeOf(error);
}

Status ArmFailpoints() {
  const char* const specification = std::getenv("SLUICE_FAILPOINTS");
  if (specification == nullptr || *specification == '\0') return Ok();
  return failpoint::Arm(specification);
}

ExitCode Dispatch(CLI::App& app, Invocation& invocation, int argc, char** argv) {
  std::optional<Error> failed;
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    PrintData(Named(app).help());
    return ExitCode::kOk;
  } catch (const CLI::ParseError& parse) {
    failed = UsageError(parse, app, argc, argv);
  }
  GlobalOptions& options = invocation.options;
  options.json = options.json || options.output == "json";
  invocation.terminal = FindTerminal(options);
  if (failed) return Fail(*failed, invocation);
  if (!invocation.command) {
    PrintData(Named(app).help());
    return argc == 1 ? ExitCode::kOk : ExitCode::kUsage;
  }
  if (Status armed = ArmFailpoints(); !armed.ok()) return Fail(armed.error(), invocation);
  const Result<ExitCode> done = invocation.command();
  return done.ok() ? *done : Fail(done.error(), invocation);
}

}  // namespace

CLI::App* AddVerb(CLI::App& app, const std::string& name, const std::string& summary, const std::string& examples) {
  CLI::App* verb = app.add_subcommand(name, summary);
  verb->footer(examples);
  return verb;
}

int Main(int argc, char** argv) try {
  CLI::App app("Copies a live PostgreSQL, continuously and exactly once, into a second PostgreSQL and an Apache Iceberg lake.", "sluice");
  Invocation invocation;
  app.formatter(std::make_shared<ExamplesFirst>());
  app.fallthrough();
  app.footer("  sluice init --from DSN --to DSN --lake FOLDER   write sluice.yaml\n"
             "  sluice check                                    is everything as it must be?\n"
             "  sluice run                                      copy, then follow\n"
             "  sluice status                                   how fresh is each sink?\n");
  AddGlobalOptions(app, invocation.options);
  AddVerbs(app, invocation);
  return static_cast<int>(Dispatch(app, invocation, argc, argv));
} catch (const std::bad_alloc&) {
  PrintTalk("error: out of memory\n");
  return static_cast<int>(ExitCode::kFailed);
} catch (const std::exception& unexpected) {
  // Libraries' exceptions are caught at their edge; one that comes here is a bug of ours.
  PrintTalk(fmt::format("error: unexpected: {}\nfix:  report it with the output of sluice version --json\n", Printable(unexpected.what())));
  return static_cast<int>(ExitCode::kFailed);
}

}  // namespace sluice::cli
