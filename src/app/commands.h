#pragma once

#include "app/command.h"

namespace millrace::app {

// Each adds one command to the program's own.
void add_serve_command(Command program);
void add_demo_command(Command program);
void add_load_command(Command program);
void add_replay_command(Command program);
void add_import_command(Command program);
void add_tail_command(Command program);
void add_evaluate_command(Command program);
void add_events_command(Command program);
void add_sql_command(Command program);
void add_keys_command(Command program);
void add_tokens_command(Command program);
void add_write_keys_command(Command program);
void add_verify_command(Command program);
void add_settings_command(Command program);

}  // namespace millrace::app
