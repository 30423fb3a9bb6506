// SPDX-License-Identifier: Apache-2.0

#if NIO
import CHeapCensus
import Foundation
import LiveBroker
import NIOCore

/// Many sessions over real sockets while connections and tokens end under them, in identical rounds;
/// then a look at what they lost and at what is left behind.
struct SoakBenchmark: Sendable {
  private let options: SocketOptions
  private let progress: Progress
  private var count: Int { options.sessions ?? (options.isQuick ? 50 : 1_000) }
  private var seconds: Double { options.seconds ?? (options.isQuick ? 6 : 60) }
  private var rounds: Int { options.rounds ?? 2 }

  init(_ options: SocketOptions, _ progress: Progress) {
    self.options = options
    self.progress = progress
  }

  func measure() async throws -> Outcome {
    // The loops are the process's, as in a server: threads that come and go would leave the
    // allocator's memory of each behind.
    let results = try await SocketStand.withLoops(System.coreCount) { loops in
      var results: [SoakRound] = []
      for number in 0..<rounds { results.append(try await round(number, on: loops)) }
      return results
    }
    return SoakVerdict(results, sessions: count, isQuick: options.isQuick).outcome
  }

  private func round(_ number: Int, on loops: any EventLoopGroup) async throws -> SoakRound {
    var plan = ServerPlan()
    plan.connectionLifetime = 5
    plan.goAwayNotice = 1
    plan.handleInterval = options.handleInterval ?? 0.2
    return try await ServerProcess.with(plan, usesTLS: options.usesTLS) { server in
      var round = SoakRound()
      try await Self.warmUp()
      let files = OpenFiles.list
      Memory.resetPeak()
      let witness = SoakWitness()
      let stand = try stand(server, loops, witness)
      let (spoken, snapshot, broker) = try await stand.run { broker in
        (try await talk(broker, number), await broker.snapshot(), broker)
      }
      round.live = spoken.count { $0.answeredProbe }
      round.openAtEnd = snapshot.open
      try await round.lookBehind(broker, stand)
      await stand.end()
      // From here on memory is this program's own, such as what the server remembers of each session.
      round.peak = Memory.peak
      round.take(witness.account)
      round.compare(spoken, try server.account(withSessions: true))
      // The minter's connections say farewell before they close, and the server hears of a close a
      // moment after the client is done with it.
      for _ in 0..<50 {
        round.filesLeft = OpenFiles.list.filter { files[$0.key] != $0.value }
          .map { "\($0.key) \($0.value)" }.sorted()
        round.serverAtEnd = try server.account()
        if round.filesLeft.isEmpty, round.serverAtEnd?.connectionsOpen == 0 { break }
        try await Task.sleep(for: .milliseconds(20))
      }
      round.heap = Int(heap_bytes_in_use())
      return round
    }
  }

  /// The system's timers of sleeping tasks keep a file each that a process opens once, and Foundation
  /// has others; they are this program's and not the broker's.
  private static func warmUp() async throws {
    let begin = ContinuousClock.now
    try await withThrowingTaskGroup(of: Void.self) { group in
      for index in 0..<1_000 {
        group.addTask {
          try await Task.sleep(until: begin + .microseconds(200 * index), clock: .continuous)
        }
      }
      try await group.waitForAll()
    }
    _ = OpenFiles.list
  }

  private func stand(
    _ server: ServerProcess, _ loops: any EventLoopGroup, _ witness: SoakWitness
  ) throws -> SocketStand {
    var tokens = TokenPoolConfiguration()
    tokens.newSessionWindow = .seconds(2)
    tokens.lifetime = .seconds(15)
    return try SocketStand(server, on: loops, tokens: tokens) {
      $0.observer = witness
    }
  }

  private func talk(_ broker: Broker, _ number: Int) async throws -> [Spoken] {
    let sessions = try await open(broker)
    let begin = ContinuousClock.now
    let end = begin + .seconds(seconds)
    return try await withThrowingTaskGroup(of: (Int, Spoken)?.self) { group in
      for (index, session) in sessions.enumerated() {
        let speaker = SoakSpeaker(index: index, session: session, begin: begin, end: end)
        group.addTask { (index, try await speaker.run()) }
      }
      group.addTask { [progress, rounds] in
        while ContinuousClock.now < end {
          progress.show(
            "round \(number + 1) of \(rounds)", (ContinuousClock.now - begin) / (end - begin))
          try await Task.sleep(for: .milliseconds(500))
        }
        return nil
      }
      var spoken = [Spoken](repeating: Spoken(), count: sessions.count)
      for try await case (let index, let one)? in group { spoken[index] = one }
      return spoken
    }
  }

  /// The first session alone: until a token has been minted nobody knows the service's clock, and
  /// before that a token cannot be asked for with times of its own.
  private func open(_ broker: Broker) async throws -> [LiveSession] {
    @Sendable func configuration(_ label: Int) -> SessionConfiguration {
      var configuration = SessionConfiguration(model: "models/gemini-soak")
      configuration.setup.labels = ["session": .string(String(label))]
      return configuration
    }
    let first = try await broker.openSession(configuration(0), id: "0")
    let others = try await SocketStand.open(count - 1, on: broker, prefix: "other-") { index in
      configuration(index + 1)
    }
    return [first] + others
  }
}
#endif
