// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import LiveEmulator

/// How many turns and frames of speech broker, emulator and a small application together carry in a
/// second of one core.
struct MessageBenchmark: Benchmark {
  static let name = "messages"
  static let summary = "text turns and frames of speech per second and core"

  static func measure(_ options: Options, _ progress: Progress) throws -> [Figure] {
    [
      Figure(
        "messages.turns", "text turns, asked and answered", .perSecond, try turns(options, progress)
      ),
      Figure(
        "messages.frames", "20 ms frames of speech", .perSecond, try frames(options, progress)),
    ]
  }

  private static func makeStand(_ options: Options) -> Stand {
    Stand(seed: options.seed) {
      $0.model.verbosity = .brief
      $0.connections.lifetime = .seconds(36_000)
    }
  }

  private static func turns(_ options: Options, _ progress: Progress) throws -> [Double] {
    let perSession = options.isQuick ? 4 : 50
    return try rounds(options, progress, "text turns", perSession) { _, session in
      for _ in 0..<perSession {
        try await session.send(text: "what time is it")
        for try await message in session.messages
        where message.serverContent?.turnComplete == true { break }
      }
    }
  }

  private static func frames(_ options: Options, _ progress: Progress) throws -> [Double] {
    let perSession = options.isQuick ? 50 : 1_000
    let frame = [UInt8](repeating: 7, count: 640)
    return try rounds(options, progress, "frames of speech", perSession) { stand, session in
      for _ in 0..<perSession {
        try await session.send(audio: frame)
        try await stand.sleep(.milliseconds(20))
      }
    }
  }

  private static func rounds(
    _ options: Options, _ progress: Progress, _ title: String, _ perSession: Int,
    _ body: @escaping @Sendable (Stand, LiveSession) async throws -> Void
  ) throws -> [Double] {
    let stand = makeStand(options)
    let count = options.sessions ?? (options.isQuick ? 10 : 200)
    let configuration = SessionConfiguration(model: "models/benchmark")
    return try stand.run(sessions: count, configuration) { sessions in
      var rates: [Double] = []
      for round in 0..<options.rounds {
        progress.show(title, Double(round) / Double(options.rounds))
        let begin = ProcessorTime.now
        try await withThrowingTaskGroup(of: Void.self) { group in
          for session in sessions { group.addTask { try await body(stand, session) } }
          try await group.waitForAll()
        }
        rates.append(Double(count * perSession) / ProcessorTime.now.seconds(since: begin))
      }
      return rates
    }
  }
}
