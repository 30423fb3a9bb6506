// SPDX-License-Identifier: Apache-2.0

import Foundation

@main
enum Main {
  static let benchmarks: [any Benchmark.Type] = [
    ReconnectBenchmark.self, IdleBenchmark.self, WireBenchmark.self, MessageBenchmark.self,
  ]

  static func main() {
    SocketCommands.runIfAsked(CommandLine.arguments.dropFirst())
    do throws(Options.Wrong) {
      let options = try Options(
        CommandLine.arguments.dropFirst(), known: benchmarks.map { $0.name })
      if options.showsHelp { return print(help) }
      if let part = options.idlePart { exit(runIdle(part, options)) }
      exit(run(options))
    } catch {
      complain("\(error)\nTry --help.")
      exit(64)
    }
  }

  private static func run(_ options: Options) -> Int32 {
    let progress = Progress()
    var figures: [Figure] = []
    do {
      for benchmark in benchmarks
      where options.names.isEmpty || options.names.contains(benchmark.name) {
        figures += try benchmark.measure(options, progress)
      }
    } catch {
      progress.clear()
      complain("\(error)")
      return 70
    }
    progress.clear()
    print(options.printsJSON ? Report.json(figures) : Report.table(figures))
    let wrong = figures.filter { $0.isCounter && !$0.holds }
    for figure in wrong {
      complain("\(figure.title): \(decimals(figure.value)), which is a defect")
    }
    return wrong.isEmpty ? 0 : 1
  }

  /// One part of the benchmark `idle`, in a process of its own.
  private static func runIdle(_ part: IdleBenchmark.Part, _ options: Options) -> Int32 {
    do {
      print(try IdleBenchmark.run(part, count: options.sessions ?? 1_000, seed: options.seed))
      return 0
    } catch {
      complain("\(error)")
      return 70
    }
  }

  private static func complain(_ text: String) {
    try? FileHandle.standardError.write(
      contentsOf: Data("LiveBrokerBenchmarks: \(text)\n".utf8))
  }

  private static var help: String {
    let lines = benchmarks.map { "  \($0.name)  \($0.summary)" }.joined(separator: "\n")
    return """
      LiveBrokerBenchmarks: what LiveBroker costs, beside a floor in the same run.

      usage: LiveBrokerBenchmarks [benchmark ...] [flags]

      benchmarks (all by default):
      \(lines)

      \(SocketCommands.help)

      flags:
        --rounds N    rounds of each; the median is shown (default 5)
        --sessions N  sessions, where a benchmark has any
        --seed N      chance of the simulations (default 1)
        --quick       one short round of everything: that it runs, not how fast
        --json        one line for machines
        --help        this text

      Exit codes: 0 measured, 1 a counter is not what it must be (seconds and bytes are only shown),
      64 wrong usage, 70 a benchmark failed.
      """
  }
}
