// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Foundation

/// The subcommands that need real sockets, and so the trait `NIO`. Each runs alone: what it measures
/// are whole processes.
enum SocketCommands {
  static let soak = "soak"
  static let hold = "hold"
  static let sockets = "sockets"
  /// Not for people: what the others start as another process.
  static let server = "server"

  static let help = """
    on real sockets, each alone, with `swift run -c release --traits NIO --package-path Benchmarks …`:
      soak     many sessions through scaled-down lifetimes, twice; what is left behind
      hold     as many sessions as one process may have files; bytes of each
      sockets  processor time of a reconnect, beside a bare client and google-genai
      (`soak --help` and so on tell their flags)
    """

  /// Runs the subcommand that the arguments begin with and ends the process; returns if they begin
  /// with none.
  static func runIfAsked(_ arguments: ArraySlice<String>) {
    guard let name = arguments.first, [soak, hold, sockets, server].contains(name) else { return }
    #if NIO
    Task { exit(await run(name, arguments.dropFirst())) }
    dispatchMain()
    #else
    let command =
      "swift run -c release --traits NIO --package-path Benchmarks LiveBrokerBenchmarks \(name)"
    complain("'\(name)' needs real sockets, which this build has not. Build it so:\n  \(command)")
    exit(64)
    #endif
  }

  static func complain(_ text: String) {
    try? FileHandle.standardError.write(
      contentsOf: Data("LiveBrokerBenchmarks: \(text)\n".utf8))
  }
}

#if NIO
extension SocketCommands {
  private static func run(_ name: String, _ arguments: ArraySlice<String>) async -> Int32 {
    OpenFiles.allowAll()
    if name == server { return await ServerProcess.main(arguments) }
    do throws(Options.Wrong) {
      let options = try SocketOptions(arguments)
      if options.showsHelp {
        print(SocketOptions.help(name))
        return 0
      }
      return await measure(name, options)
    } catch {
      complain("\(error)\nTry \(name) --help.")
      return 64
    }
  }

  private static func measure(_ name: String, _ options: SocketOptions) async -> Int32 {
    let progress = Progress()
    do {
      let outcome =
        switch name {
        case soak: try await SoakBenchmark(options, progress).measure()
        case hold: try await HoldBenchmark(options, progress).measure()
        default: try await RaceBenchmark(options, progress).measure()
        }
      progress.clear()
      print(options.printsJSON ? Report.json(outcome.figures) : Report.table(outcome.figures))
      for fault in outcome.faults { complain(fault) }
      return outcome.faults.isEmpty ? 0 : 70
    } catch {
      progress.clear()
      complain("\(error)")
      return 70
    }
  }
}

/// What a subcommand measured, and what of it must not be.
struct Outcome: Sendable {
  var figures: [Figure] = []
  var faults: [String] = []
}
#endif
