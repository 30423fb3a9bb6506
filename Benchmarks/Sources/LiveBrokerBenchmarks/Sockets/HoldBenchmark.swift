// SPDX-License-Identifier: Apache-2.0

#if NIO
import Foundation
import LiveBroker
import NIOCore

/// What an idle session costs on a real socket: bytes of the process, the kernel's own not counted.
struct HoldBenchmark: Sendable {
  private let options: SocketOptions
  private let progress: Progress
  private var count: Int { options.sessions ?? (options.isQuick ? 500 : 19_000) }
  private var seconds: Double { options.seconds ?? (options.isQuick ? 2 : 20) }

  init(_ options: SocketOptions, _ progress: Progress) {
    self.options = options
    self.progress = progress
  }

  func measure() async throws -> Outcome {
    var plan = ServerPlan()
    plan.connectionLifetime = 7_200
    return try await ServerProcess.with(plan, usesTLS: options.usesTLS) { server in
      guard count + OpenFiles.count + 100 <= OpenFiles.limit else {
        throw ServerProcess.Failed(
          description: "\(count) sessions need more files than the \(OpenFiles.limit) of the limit")
      }
      var tokens = TokenPoolConfiguration()
      tokens.uses = 0
      return try await SocketStand.withLoops(System.coreCount) { loops in
        let stand = try SocketStand(server, on: loops, tokens: tokens) {
          // Locally nobody needs to be spared.
          $0.admission.initialDialsPerSecond = 2_000
          $0.admission.maximumInFlight = 256
        }
        let held = try await stand.run { try await hold(server, $0) }
        await stand.end()
        return outcome(held)
      }
    }
  }

  private struct Held: Sendable {
    var bytes = 0.0
    var live = 0
    var files = 0
    var server: ServerAccount
  }

  /// Fixed costs are taken out by measuring between two numbers of sessions.
  private func hold(
    _ server: ServerProcess, _ broker: Broker
  ) async throws -> Held {
    let configuration = SessionConfiguration(model: "models/gemini-benchmark")
    let warm = max(50, count / 20)
    _ = try await SocketStand.open(warm, on: broker, prefix: "warm-") { _ in configuration }
    try await Task.sleep(for: .seconds(2))
    let before = Memory.resident
    let rest = count - warm
    _ = try await SocketStand.open(rest, on: broker, prefix: "held-") { _ in
      configuration
    } each: {
      progress.show("sessions", Double($0) / Double(rest))
    }
    progress.show("held", 1)
    try await Task.sleep(for: .seconds(seconds))
    var held = Held(server: try server.account())
    held.bytes = Double(Memory.resident - before) / Double(rest)
    held.files = OpenFiles.count
    held.live = await broker.snapshot().sessions[.live, default: 0]
    return held
  }

  private func outcome(_ held: Held) -> Outcome {
    let kind = options.usesTLS ? "TLS" : "plain"
    var outcome = Outcome()
    outcome.figures = [
      Figure(
        "hold.live", "sessions live (\(kind))", .count, [Double(held.live)],
        .atLeast(Double(count))),
      Figure("hold.bytes", "bytes of a session (\(kind))", .bytes, [held.bytes]),
      Figure("hold.files", "open files here", .count, [Double(held.files)]),
      Figure(
        "hold.serverFiles", "open files of the server", .count, [Double(held.server.openFiles)]),
      Figure(
        "hold.serverBytes", "resident bytes of the server", .bytes,
        [Double(held.server.residentBytes)]),
      Figure("hold.limit", "files that a process may open", .count, [Double(OpenFiles.limit)]),
    ]
    if held.live < count {
      outcome.faults.append("only \(held.live) of \(count) sessions are live")
    }
    return outcome
  }
}
#endif
