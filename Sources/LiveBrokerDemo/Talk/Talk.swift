// SPDX-License-Identifier: Apache-2.0

#if NIO
import LiveBroker
import LiveEmulator
import NIOPosix
import Synchronization

/// A conversation, or many at once, through the broker over real sockets.
struct Talk: Sendable {
  let options: TalkOptions
  let key: Secret
  let recording: Recording?
  let lines: any AsyncSequence<String, Never> & Sendable
  /// Whether a person types the lines.
  let isTyped: Bool
  let voice: WAVWriter?
  let screen: TalkScreen
  let stop = StopSwitch()

  private let clock = HostClock()
  private let group = MultiThreadedEventLoopGroup.singleton
  /// Why it could not be held, if it could not.
  private let failure = TalkFailureBox()

  /// How long sessions may take to leave at the end.
  private static let drainTime = Duration.seconds(5)

  init(
    _ options: TalkOptions, key: Secret, recording: Recording?,
    lines: any AsyncSequence<String, Never> & Sendable, isTyped: Bool, voice: WAVWriter?,
    screen: TalkScreen
  ) {
    self.options = options
    self.key = key
    self.recording = recording
    self.lines = lines
    self.isTyped = isTyped
    self.voice = voice
    self.screen = screen
  }

  private var endpoint: LiveEndpoint { options.endpoint ?? .geminiDeveloper }

  /// Holds it to its end, and gives the account.
  func run() async throws(TalkFailure) -> TourSummary {
    guard options.endpoint != nil else { return try await run(nil) }
    let client = ReportClient(endpoint, authority: options.authority, group: group)
    let result: Result<TourSummary, TalkFailure>
    do throws(TalkFailure) {
      result = .success(try await run(client))
    } catch {
      result = .failure(error)
    }
    await client.shutdown()
    return try result.get()
  }

  private func run(_ client: ReportClient?) async throws(TalkFailure) -> TourSummary {
    let before = try await client?.report("sessions=0") ?? nil
    if isTyped {
      screen.greet("Talking to \(endpoint.shown). Type a line and be answered; Ctrl-D ends it.")
    }
    let begin = clock.now
    let news = TalkNews(sessions: options.sessions) { text, at in
      screen.event(text, at: begin.duration(to: at))
    }
    let witness = SessionWitness(sessions: options.sessions, news: news.note)
    let label = before == nil ? nil : TalkSetup.newLabel()
    let tokens = try await hold(witness, news, label, from: begin)
    let wall = begin.duration(to: clock.now)
    screen.finish()
    if let failure = failure.value { throw failure }
    var reporter = TalkReporter(
      options: options, recording: recording, accounts: witness.accounts, storm: news.storm,
      wall: wall, tokens: tokens)
    if let client, let before, let label {
      let unwitnessed = reporter.summary()
      do throws(TalkFailure) {
        try await reporter.look(client, since: before, label: label, clock: clock)
      } catch {
        var failure = error
        failure.account = unwitnessed
        throw failure
      }
    }
    return reporter.summary()
  }

  // MARK: Holding

  /// Gives what became of the talk's tokens.
  private func hold(
    _ witness: SessionWitness, _ news: TalkNews, _ label: String?, from begin: EngineInstant
  ) async throws(TalkFailure) -> TokenPoolSnapshot? {
    let minter = try TalkSetup.minter(options, endpoint, key, group)
    let watch = MintWatch(minter) { error in
      failure.note(TalkFailure(minting: error, endpoint))
      stop.turnOn()
    }
    var configuration = BrokerConfiguration(
      credentials: .ephemeralTokens(watch, TalkSetup.pool(options)))
    configuration.endpoint = endpoint
    configuration.observer = witness
    let broker = Broker(
      configuration: configuration, transport: TalkSetup.transport(options, group),
      runtime: .nio(group: group))
    await withTaskGroup(of: Void.self) { tasks in
      tasks.addTask {
        do { try await broker.run() } catch is CancellationError {} catch {
          failure.note(TalkFailure(.software, "the broker failed: \(error)"))
          stop.turnOn()
        }
      }
      tasks.addTask { await watchProgress(broker, news, from: begin) }
      let outages =
        options.sessions == 1 ? OutageWatch(clock: clock) { news.lost(for: $0) } : nil
      await applications(broker, witness, outages, label, from: begin)
      await broker.drain(within: Self.drainTime)
      tasks.cancelAll()
    }
    await minter.shutdown()
    return await broker.snapshot().tokens
  }

  private func applications(
    _ broker: Broker, _ witness: SessionWitness, _ outages: OutageWatch?, _ label: String?,
    from begin: EngineInstant
  ) async {
    await withTaskGroup(of: Void.self) { group in
      var random = SplitMix64(seed: options.seed)
      for index in 0..<options.sessions {
        let configuration = TalkSetup.session(options, label: label.map { "\($0)-\(index)" })
        let script = script(of: index, &random)
        group.addTask {
          do {
            try await application(
              index, script, broker, configuration, witness, outages, from: begin)
          } catch let error as BrokerError {
            noteFailure(error)
          } catch {}
        }
      }
    }
  }

  /// A session that fails later is seen by its end; one that nobody would let in ends the talk.
  private func noteFailure(_ error: BrokerError) {
    guard let failure = TalkFailure(opening: error, endpoint, options.model) else { return }
    self.failure.note(failure)
    stop.turnOn()
  }

  private func application(
    _ index: Int, _ script: ApplicationScript, _ broker: Broker,
    _ configuration: SessionConfiguration, _ witness: SessionWitness, _ outages: OutageWatch?,
    from begin: EngineInstant
  ) async throws {
    let output = TalkOutput(screen: screen, voice: voice)
    let end = options.length.map { begin.advanced(by: $0) }
    let style = TalkSetup.style(options, isEmulated: configuration.setup.labels.isEmpty == false)
    guard options.input == .typed else {
      return try await ScriptedSession(
        index: index, script: script, recording: recording, clock: clock, start: clock.now,
        end: end ?? clock.now, witness: witness, style: style,
        output: options.sessions == 1 ? output : nil, stop: stop, outages: outages
      ).run(broker, configuration)
    }
    try await TypedSession(
      lines: lines, waitsForAnswers: !isTyped, clock: clock, end: end, witness: witness,
      output: output, style: style, stop: stop, outages: outages
    ).run(broker, configuration)
  }

  private func script(of index: Int, _ random: inout SplitMix64) -> ApplicationScript {
    var own = random.split()
    guard options.sessions == 1 else {
      return ApplicationScript(
        talk: index, length: options.length ?? .zero, recording: recording, random: &own)
    }
    return recording.map { ApplicationScript(speaking: $0, for: options.length) }
      ?? ApplicationScript()
  }

  /// Why not all are live, if the service takes no more.
  private static func queue(_ now: BrokerSnapshot) -> String {
    guard now.waitingForPlace > 0, let cap = now.learnedSessionCap else { return "" }
    return ", \(grouped(now.waitingForPlace)) wait: the service takes \(grouped(cap))"
  }

  private func watchProgress(
    _ broker: Broker, _ news: TalkNews, from begin: EngineInstant
  ) async {
    guard options.sessions > 1 else { return }
    while !Task.isCancelled {
      let now = await broker.snapshot()
      let live = now.sessions[.live, default: 0] + now.sessions[.rotating, default: 0]
      let note = news.counts + Self.queue(now)
      screen.progress(at: begin.duration(to: clock.now), live: live, note)
      try? await clock.sleep(for: .milliseconds(200))
    }
  }
}

/// Keeps the first failure.
final class TalkFailureBox: Sendable {
  private let state = Mutex<TalkFailure?>(nil)
  var value: TalkFailure? { state.withLock { $0 } }
  func note(_ failure: TalkFailure) { state.withLock { $0 = $0 ?? failure } }
}
#endif
