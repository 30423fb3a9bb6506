// SPDX-License-Identifier: Apache-2.0

#if NIO
import Foundation
import LiveBroker
import NIOCore
import NIOPosix

/// Processor time of the client for one reconnect, clients in turns on one server.
///
/// The server's goAways set the pace: every session moves each time, and what goes over the wire is
/// the same for the broker and for the bare client. google-genai knows no moves; it opens with the
/// handle and closes, as often as it can, which is the same frames less the goAway. So that the others
/// are as busy, sessions are as many as one core of the server bears.
struct RaceBenchmark: Sendable {
  private let options: SocketOptions
  private let progress: Progress
  private var sessions: Int { options.sessions ?? (options.isQuick ? 50 : 1_800) }
  private var seconds: Double { options.seconds ?? (options.isQuick ? 1 : 8) }
  private var rounds: Int { options.rounds ?? (options.isQuick ? 1 : 5) }
  private static let model = "models/gemini-benchmark"

  /// Client and time that one turn took, by reconnect.
  private struct Turn: Sendable {
    var nanoseconds: Double
    var perSecond: Double
  }

  init(_ options: SocketOptions, _ progress: Progress) {
    self.options = options
    self.progress = progress
  }

  func measure() async throws -> Outcome {
    var outcome = try await race(usesTLS: options.usesTLS)
    if options.python != nil, !options.usesTLS {
      let other = try await race(usesTLS: true)
      outcome.figures += other.figures
      outcome.faults += other.faults
    }
    return outcome
  }

  private func race(usesTLS: Bool) async throws -> Outcome {
    let python = options.python
    var plan = ServerPlan()
    // The server has more to do per handshake of TLS, and must keep up.
    plan.connectionLifetime = usesTLS ? 3 : 1.2
    plan.goAwayNotice = usesTLS ? 2.2 : 0.9
    plan.firstHandleDelay = 0.02
    return try await ServerProcess.with(plan, usesTLS: usesTLS) { server in
      var (ours, bare, peers): ([Turn], [Turn], [Turn]) = ([], [], [])
      for round in 0..<rounds {
        progress.show("reconnects", Double(round) / Double(rounds))
        if runs("bare") { bare.append(try await bareTurn(server)) }
        if runs("broker") { ours.append(try await brokerTurn(server)) }
        if let python, runs("genai") { peers.append(try await peerTurn(server, python)) }
      }
      return outcome(ours, bare, peers, usesTLS: usesTLS)
    }
  }

  private func runs(_ client: String) -> Bool { options.only == nil || options.only == client }

  private func outcome(
    _ ours: [Turn], _ bare: [Turn], _ peers: [Turn], usesTLS: Bool
  ) -> Outcome {
    let (name, kind) = usesTLS ? ("tls", "TLS") : ("plain", "plain")
    func time(_ client: String, _ title: String, _ turns: [Turn]) -> Figure {
      Figure(
        "sockets.\(name).\(client)", "\(title), \(kind)", .nanoseconds, turns.map(\.nanoseconds))
    }
    func rate(_ client: String, _ title: String, _ turns: [Turn]) -> Figure {
      Figure(
        "sockets.\(name).\(client)PerSecond", "\(title), \(kind), rate", .perSecond,
        turns.map(\.perSecond))
    }
    let ratios = zip(ours, bare).map { $0.nanoseconds / $1.nanoseconds }
    var outcome = Outcome()
    outcome.figures = [
      time("broker", "broker, a reconnect", ours), time("bare", "bare client", bare),
      Figure(
        "sockets.\(name).overBare", "broker over bare client, \(kind)", .ratio, ratios,
        usesTLS ? nil : .atMost(1.35)),
      rate("broker", "broker", ours), rate("bare", "bare client", bare),
    ]
    guard !peers.isEmpty else { return outcome }
    let shares = zip(peers, ours).map { $0.nanoseconds / $1.nanoseconds }
    outcome.figures += [
      time("genai", "google-genai", peers),
      Figure(
        "sockets.\(name).genaiOverBroker", "google-genai over broker, \(kind)", .ratio, shares,
        .atLeast(8)),
      rate("genai", "google-genai", peers),
    ]
    return outcome
  }

  /// Lets a client come up to its pace, then counts what it spends and what the server sees.
  private func clock(_ server: ServerProcess) async throws -> Turn {
    try await Task.sleep(for: .seconds(min(1.5, seconds)))
    let resumed = try server.account().resumed
    let (processor, begin) = (ProcessorTime.now, ContinuousClock.now)
    try await Task.sleep(for: .seconds(seconds))
    let spent = ProcessorTime.now.seconds(since: processor)
    let account = try server.account()
    let reconnects = Double(account.resumed - resumed)
    guard reconnects > 0, account.promisesBroken == 0 else {
      throw ServerProcess.Failed(
        description: "\(reconnects) reconnects, broken promises: \(account.broken)")
    }
    let length = (ContinuousClock.now - begin) / .seconds(1)
    return Turn(nanoseconds: spent * 1e9 / reconnects, perSecond: reconnects / length)
  }

  // MARK: The broker

  private func brokerTurn(_ server: ServerProcess) async throws -> Turn {
    try await SocketStand.withLoops(1) { loops in
      let stand = try SocketStand(server, on: loops) { $0.admission = .unlimited }
      var configuration = SessionConfiguration(model: Self.model)
      configuration.rotation.spread = 0
      return try await stand.run { [configuration] broker in
        _ = try await SocketStand.open(sessions, on: broker) { _ in configuration }
        return try await clock(server)
      }
    }
  }

  // MARK: The bare client

  private func bareTurn(_ server: ServerProcess) async throws -> Turn {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let loop = group.next()
    let kit = try BareKit(server, apiKey: SocketStand.apiKey, model: Self.model)
    let (opened, feed) = AsyncStream.makeStream(of: Void.self)
    let count = sessions
    let crowd = try await loop.submit {
      let sessions = (0..<count).map { _ in
        BareSession(kit, on: loop) { feed.yield() }
      }
      for session in sessions { session.dial() }
      return NIOLoopBound(sessions, eventLoop: loop)
    }.get()
    var left = count
    for await _ in opened {
      left -= 1
      if left == 0 { break }
    }
    let turn = try await clock(server)
    // What is cut off at the end is no failure.
    let failures = kit.failures.all
    try await loop.submit { for session in crowd.value { session.stop() } }.get()
    try await group.shutdownGracefully()
    guard failures.isEmpty else {
      throw ServerProcess.Failed(description: "the bare client failed: \(failures)")
    }
    return turn
  }

  // MARK: google-genai

  private struct PeerAnswer: Codable {
    var reconnects: Int
    var failures: Int
    var processorSeconds: Double
    var seconds: Double
  }

  private func peerTurn(_ server: ServerProcess, _ python: String) async throws -> Turn {
    var package = URL(fileURLWithPath: #filePath)
    for _ in 0..<4 { package.deleteLastPathComponent() }
    let script = package.appendingPathComponent("Peers/google_genai.py")
    let scheme = server.endpoint.usesTLS ? "https" : "http"
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [
      python, script.path, "\(scheme)://localhost:\(server.endpoint.port)", "\(seconds)",
    ]
    if let certificate = server.certificate {
      process.environment = ProcessInfo.processInfo.environment.merging(
        ["SSL_CERT_FILE": certificate]) { $1 }
    }
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let bytes = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    let answer = try JSONDecoder().decode(PeerAnswer.self, from: bytes)
    guard answer.reconnects > 0, answer.failures == 0 else {
      throw ServerProcess.Failed(description: "google-genai failed \(answer.failures) times")
    }
    let reconnects = Double(answer.reconnects)
    return Turn(
      nanoseconds: answer.processorSeconds * 1e9 / reconnects,
      perSecond: reconnects / answer.seconds)
  }
}
#endif
