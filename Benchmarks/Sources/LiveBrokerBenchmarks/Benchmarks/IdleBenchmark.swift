// SPDX-License-Identifier: Apache-2.0

import CHeapCensus
import Foundation
import LiveBroker

/// What one idle session costs in the engine: bytes, blocks, timers, tasks, work.
///
/// The transport is a stub without any memory per connection, so what grows with the sessions is the
/// engine's: session, token and handle actors, their strings (a token of 76 bytes, a handle of 100,
/// an id of 36), the session's port, the registry and the timer wheel. Fixed costs are taken out by
/// measuring between two numbers of sessions. Each part runs in a fresh process, since a heap
/// remembers what was in it.
struct IdleBenchmark: Benchmark {
  static let name = "idle"
  static let summary = "bytes, blocks, timers and tasks of an idle session, without a socket"

  /// What is measured in a process of its own.
  enum Part: String, CaseIterable, Sendable {
    /// Sessions that are live and never said anything.
    case silent
    /// Sessions that have asked once, were answered, and whose words a handle covers.
    case spoken
    /// The same facts in a bare struct.
    case bare
  }

  static func measure(_ options: Options, _ progress: Progress) throws -> [Figure] {
    let count = options.sessions ?? (options.isQuick ? 10_000 : 100_000)
    var results: [Part: IdleFootprint] = [:]
    for (place, part) in Part.allCases.enumerated() {
      progress.show(
        "\(grouped(Double(count))) idle sessions, \(part.rawValue)",
        Double(place) / Double(Part.allCases.count))
      results[part] = try runInFreshProcess(part, count, options.seed)
    }
    return figures(
      results[.silent] ?? IdleFootprint(), results[.spoken] ?? IdleFootprint(),
      bare: results[.bare] ?? IdleFootprint())
  }

  private static func figures(
    _ silent: IdleFootprint, _ spoken: IdleFootprint, bare: IdleFootprint
  ) -> [Figure] {
    let sizes = silent.sizes.sorted { $0.key < $1.key }
      .map { "\(decimals($0.value)) of \($0.key)" }.joined(separator: ", ")
    return [
      Figure("idle.bytes", "bytes of an idle session", .bytes, [silent.bytes], .atMost(750)),
      Figure("idle.spokenBytes", "once it has asked and heard", .bytes, [spoken.bytes]),
      Figure("idle.bareBytes", "bare struct with the same strings", .bytes, [bare.bytes]),
      Figure("idle.bytesOverBare", "bytes in bare ones", .ratio, [silent.bytes / bare.bytes]),
      Figure(
        "idle.blocks", "blocks of the heap per session", .count, [silent.blocks],
        counter: .atMost(8), note: sizes),
      Figure(
        "idle.largeBlocks", "blocks beyond 512 B per session", .count,
        [max(silent.largeBlocks, spoken.largeBlocks)], counter: .atMost(0.01)),
      Figure(
        "idle.timers", "timers of executors per session", .count,
        [max(silent.timers, spoken.timers)], counter: .atMost(0.01)),
      Figure(
        "idle.tasks", "tasks to wake at the end per session", .count,
        [max(silent.wakesAtStop, spoken.wakesAtStop)], counter: .atMost(0.01)),
      Figure(
        "idle.events", "jobs and timers run per session and second", .count,
        [max(silent.events, spoken.events)], counter: .atMost(0.2)),
    ]
  }

  // MARK: In a process of its own

  /// Measures one part and gives its result as JSON; what the child process does.
  static func run(_ part: Part, count: Int, seed: UInt64) throws -> String {
    let footprint =
      switch part {
      case .silent, .spoken:
        try IdleStand(count: count, warmUp: max(100, count / 10), seed: seed)
          .measure(speak: part == .spoken)
      case .bare: bare(count)
      }
    return String(decoding: try JSONEncoder().encode(footprint), as: UTF8.self)
  }

  private static func bare(_ count: Int) -> IdleFootprint {
    let before = heap_bytes_in_use()
    let loop = BareLoop(sessions: count, seed: 1)
    let after = heap_bytes_in_use()
    var footprint = IdleFootprint()
    footprint.bytes = withExtendedLifetime(loop) { Double(after - before) / Double(count) }
    return footprint
  }

  private static func runInFreshProcess(
    _ part: Part, _ count: Int, _ seed: UInt64
  ) throws -> IdleFootprint {
    let output = Pipe()
    let process = Process()
    process.executableURL = Bundle.main.executableURL
    process.arguments = [
      "--idle-part", part.rawValue, "--sessions", "\(count)", "--seed", "\(seed)",
    ]
    process.standardOutput = output
    try process.run()
    let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw ChildFailed(part: part) }
    return try JSONDecoder().decode(IdleFootprint.self, from: bytes)
  }

  private struct ChildFailed: Error, CustomStringConvertible {
    let part: Part
    var description: String { "the process for 'idle, \(part.rawValue)' failed" }
  }
}
