#pragma once
// The verbs, one file each: every function adds its verb, flags and examples to the command line and sets
// Invocation::command when the verb is named.

#include <CLI/CLI.hpp>

#include "cli/invocation.h"

namespace sluice::cli {

void AddInit(CLI::App& app, Invocation& invocation);
void AddCheck(CLI::App& app, Invocation& invocation);
void AddRun(CLI::App& app, Invocation& invocation);
void AddServe(CLI::App& app, Invocation& invocation);
void AddStatus(CLI::App& app, Invocation& invocation);
void AddTables(CLI::App& app, Invocation& invocation);
void AddBookmark(CLI::App& app, Invocation& invocation);
void AddLake(CLI::App& app, Invocation& invocation);
void AddSql(CLI::App& app, Invocation& invocation);
void AddRestore(CLI::App& app, Invocation& invocation);
void AddVerify(CLI::App& app, Invocation& invocation);
void AddResync(CLI::App& app, Invocation& invocation);
void AddSkip(CLI::App& app, Invocation& invocation);
void AddStartOver(CLI::App& app, Invocation& invocation);
void AddTeardown(CLI::App& app, Invocation& invocation);
void AddDemo(CLI::App& app, Invocation& invocation);
void AddExplain(CLI::App& app, Invocation& invocation);
void AddVersion(CLI::App& app, Invocation& invocation);
void AddDebug(CLI::App& app, Invocation& invocation);
void AddHelp(CLI::App& app, Invocation& invocation);

/// A verb with its one-line summary and 2 to 4 examples, which its help shows first.
CLI::App* AddVerb(CLI::App& app, const std::string& name, const std::string& summary, const std::string& examples);

}  // namespace sluice::cli
