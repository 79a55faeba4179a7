// Errors 1xxx: the configuration file, the environment, secrets.
// One entry per code of config_codes.h: {code, title, why, fix (one remedy per line, safest first), exit code}.

#include "observability/errors/areas.h"
#include "observability/errors/config_codes.h"

namespace sluice::errors {
namespace {

constexpr ErrorEntry kErrors[] = {
    {slu::kConfigNotFound, "there is no configuration file",
     "Without -c or SLUICE_CONFIG, sluice looks for ./sluice.yaml, then /etc/sluice/sluice.yaml.",
     "write one: sluice init --from DSN --to DSN --lake FOLDER\nor name it: sluice -c FILE …",
     ExitCode::kConfig},
    {slu::kConfigUnreadable, "the configuration file cannot be read",
     "The operating system refused to open or read it.",
     "give the user that runs sluice the right to read the file", ExitCode::kConfig},
    {slu::kConfigMistakes, "the configuration has mistakes",
     "All of them are listed, each with its own code; nothing was started.",
     "correct what is marked, then: sluice check", ExitCode::kConfig},
    {slu::kConfigExists, "a configuration file is there already",
     "init never overwrites a file that somebody may have edited.",
     "move the file away\nor replace it: sluice init --force …", ExitCode::kRefused},
    {slu::kSameDatabase, "source and replica are the same database",
     "sluice would copy the database into itself, and then its own changes again.",
     "name another database as the replica", ExitCode::kConfig},
    {slu::kYamlSyntax, "the file is not valid YAML",
     "The parser could not go on; what follows was not looked at.",
     "correct the marked line: indent with spaces, quote values that hold : # { } [ ]",
     ExitCode::kConfig},
    {slu::kDuplicateKey, "a key stands twice in one mapping",
     "Which of the two would win is a matter of taste, so neither does.",
     "remove one of the two", ExitCode::kConfig},
    {slu::kYamlAlias, "YAML anchors, aliases and tags are not taken",
     "A few aliases can make a small file into a huge one, and hide what a line means.",
     "write the value out\nor declare it under vars and use ${var.NAME}", ExitCode::kConfig},
    {slu::kUnknownField, "unknown field", "A misspelt field would otherwise be ignored in silence.",
     "rename or remove the field; the message lists what is allowed there", ExitCode::kConfig},
    {slu::kWrongType, "a value has the wrong type",
     "The field takes another kind of value than the file has there.",
     "write a value of the kind that the message names", ExitCode::kConfig},
    {slu::kMissingField, "a required field is missing",
     "There is no default that would be right for everybody.", "add the field",
     ExitCode::kConfig},
    {slu::kBadValue, "a value is not one of those allowed",
     "The field takes only the words or the form that the message names.",
     "use one of them", ExitCode::kConfig},
    {slu::kBadUnit, "a duration or size cannot be understood",
     "Durations are 500ms, 30s, 5m, 24h, 7d; sizes are 64KiB, 64MiB, 40GiB, 1MB; plain numbers are "
     "seconds and bytes.",
     "write the value with one of these units", ExitCode::kConfig},
    {slu::kOutOfRange, "a number is outside its range",
     "A smaller or larger value would not work or would do harm.",
     "choose a value inside the range that the message names", ExitCode::kConfig},
    {slu::kYamlLimit, "the file is too large or too deeply nested",
     "A configuration is at most 1 MiB and 32 levels deep; more is most likely another file.",
     "check that -c names the right file", ExitCode::kConfig},
    {slu::kUnknownName, "a name refers to something that is not declared",
     "Pipelines name sources and sinks, values name vars and secrets; this one does not exist.",
     "correct the name, or declare it", ExitCode::kConfig},
    {slu::kConflictingFields, "two fields contradict each other",
     "Only one of them can be meant.", "remove one of the two", ExitCode::kConfig},
    {slu::kNotSupported, "this version cannot do that",
     "The configuration asks for something that is not built in.",
     "change it to what the message names", ExitCode::kConfig},
    {slu::kBadOverride, "-X needs path=value",
     "An override names one field by its path from the top of the file, e.g. "
     "sinks.lake.commit.interval=10s.",
     "write -X path=value, and quote it for the shell", ExitCode::kUsage},
    {slu::kVariableUnset, "a variable has no value",
     "A missing variable is never taken as an empty text.",
     "export the variable\nor give it a default: ${NAME:-default}", ExitCode::kConfig},
    {slu::kBadInterpolation, "a ${…} cannot be understood",
     "Known forms: ${NAME}, ${NAME:-default}, ${NAME:?message}, ${var.NAME}, "
     "${secret:PROVIDER:PATH}, $${literal}.",
     "correct the form, or write $${ for a literal ${", ExitCode::kConfig},
    {slu::kSecretUnreadable, "a secret cannot be read",
     "The file that holds it is missing, unreadable or too large.",
     "write it: umask 077; printf %s VALUE > FILE\nor use the environment: ${NAME}",
     ExitCode::kConfig},
    {slu::kPlainSecret, "a password stands in the configuration in plain text",
     "Configuration files are copied, committed and shown; secrets must not be in them.",
     "put it into the environment: password: ${SLUICE_SOURCE_PASSWORD}\n"
     "or into a file: password: ${secret:file:NAME}",
     ExitCode::kConfig},
};

}  // namespace

std::span<const ErrorEntry> Config() { return kErrors; }

}  // namespace sluice::errors
