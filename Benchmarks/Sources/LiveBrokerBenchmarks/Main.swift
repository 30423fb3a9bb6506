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
    print(options.printsJSON ? json(figures) : table(figures))
    return 0
  }

  /// Bars are drawn against the largest figure of the same unit.
  static func table(_ figures: [Figure]) -> String {
    let width = figures.map(\.title.count).max() ?? 0
    return figures.map { figure in
      let largest = figures.filter { $0.unit == figure.unit }.map(\.value).max() ?? 1
      let cells = largest > 0 ? Int((figure.value / largest * 24).rounded()) : 0
      let bar = String(repeating: "▇", count: min(max(cells, 0), 24))
      let title = figure.title + String(repeating: " ", count: width - figure.title.count)
      let value = grouped(figure.value) + figure.unit.rawValue
      let room = String(repeating: " ", count: max(1, 14 - value.count))
      let goal = figure.goal.map { "  \($0.holds(figure.value) ? "ok" : "NO")  \($0.text)" } ?? ""
      let pad = String(repeating: " ", count: 24 - bar.count)
      return "\(title)\(room)\(value)  \(bar)\(pad)\(goal)"
    }.joined(separator: "\n")
  }

  static func json(_ figures: [Figure]) -> String {
    let members = figures.map { figure in
      "\"\(figure.name)\":{\"median\":\(figure.value),\"unit\":\"\(figure.unit.rawValue)\","
        + "\"rounds\":[\(figure.rounds.map { "\($0)" }.joined(separator: ","))]}"
    }
    return "{\(members.joined(separator: ","))}"
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
      Exit codes: 0 measured, 64 wrong usage, 70 a benchmark failed.
      """
  }
}
