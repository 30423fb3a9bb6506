// SPDX-License-Identifier: Apache-2.0

#if NIO
import LiveBroker
import LiveEmulator

/// Puts together what the applications saw of a talk, and what an emulated service remembers of it.
struct TalkReporter: Sendable {
  let options: TalkOptions
  let recording: Recording?
  let accounts: [SessionAccount]
  let storm: StormFinder.Cluster?
  let wall: Duration
  /// What the broker's pool did: the talk's own tokens, and no other client's.
  let tokens: TokenPoolSnapshot?
  /// Nil if the service tells nothing.
  private var outside: OutsideReport?
  /// How the labels of the talk's sessions begin.
  private var label = ""
  /// What it remembers of each session.
  private var remembered: [[OutsideReport.Session]] = []
  private var stormUpgrades = (all: 0, peakPerSecond: 0)

  /// How much later than the service this side may know what it knows.
  private static let slack = Duration.seconds(1)

  init(
    options: TalkOptions, recording: Recording?, accounts: [SessionAccount],
    storm: StormFinder.Cluster?, wall: Duration, tokens: TokenPoolSnapshot?
  ) {
    self.options = options
    self.recording = recording
    self.accounts = accounts
    self.storm = storm
    self.wall = wall
    self.tokens = tokens
  }

  // MARK: Looking

  /// Asks the service what it remembers; of sessions that lost something, to the frame.
  mutating func look(
    _ client: ReportClient, since before: OutsideReport, label: String, clock: HostClock
  ) async throws(TalkFailure) {
    guard let report = try await client.report("upgrades=1") else { return }
    take(report, since: before, label: label, at: clock.now)
    for session in accounts.indices where !isWhole(session) {
      let name = "\(label)-\(session)"
      let detail = try await client.report("audio=1&label=\(name)")
      if let found = detail?.sessions[name] { remembered[session] = found }
    }
  }

  /// Takes in what the service told at a moment.
  mutating func take(
    _ report: OutsideReport, since before: OutsideReport, label: String, at now: EngineInstant
  ) {
    outside = report.since(before)
    self.label = "\(label)-"
    remembered = accounts.indices.map { report.sessions["\(label)-\($0)"] ?? [] }
    guard let storm else { return }
    stormUpgrades = report.upgrades(
      from: storm.first.duration(to: now), to: storm.lastBack.duration(to: now))
  }

  /// Whether the session's speech is remembered as it was sent, by the digest of it.
  private func isWhole(_ session: Int) -> Bool {
    guard let recording, !accounts[session].sentPositions.isEmpty else { return true }
    guard remembered[session].count == 1 else { return false }
    var digest = StreamDigest()
    for place in accounts[session].sentPositions { digest.update(recording.frame(at: place)) }
    return remembered[session][0].audioBytes == digest.count
      && UInt64(remembered[session][0].audioDigest, radix: 16) == digest.value
  }

  // MARK: The account

  func summary() -> TourSummary {
    var run = RunFigures()
    run.isWitnessed = outside != nil
    run.isVirtual = false
    run.virtual = wall
    run.wall = wall
    run.tokensMinted = tokens?.minted
    run.tokensExpiredUnused = tokens?.expiredUnused
    run.storm = stormFigures
    run.promisesBroken = brokenPromises
    run.seed = options.seed
    let sessions = accounts.indices.map { session in
      SessionFigures(accounts[session], audio: audio(of: session))
    }
    return TourSummary(sessions: sessions, run: run)
  }

  private var stormFigures: StormFigures? {
    guard let storm else { return nil }
    var figures = StormFigures()
    figures.sessions = storm.sessions
    figures.attempts = stormUpgrades.all
    figures.lastBack = storm.first.duration(to: storm.lastBack)
    figures.peakDialsPerSecond = stormUpgrades.peakPerSecond
    return figures
  }

  private var brokenPromises: [String] {
    var broken = outside?.brokenPromises(label: label) ?? []
    for (session, account) in accounts.enumerated() {
      let texts = outside == nil ? nil : remembered[session].reduce(0) { $0 + $1.texts }
      broken += account.brokenPromises(
        session: session, textsRemembered: texts, slack: Self.slack)
    }
    return broken
  }

  private func audio(of session: Int) -> AudioAccount {
    let account = accounts[session]
    guard let recording, outside != nil, !account.sentPositions.isEmpty else {
      return AudioAccount(
        sentBytes: account.sentPositions.count * Recording.frameBytes, sessionsExact: 1)
    }
    let sent = account.sentPositions.map {
      FramePrint(digest: Self.digest(recording.frame(at: $0)))
    }
    let kept = remembered[session].flatMap(\.audioDigests).map { FramePrint(digest: $0) }
    return AudioAccounting(
      sent: sent, remembered: isWhole(session) ? sent : kept,
      reportedLost: account.reports.flatMap(\.dropped.audio),
      uncertain: account.reports.flatMap(\.uncertain.audio)
    ).account()
  }

  private static func digest(_ frame: [UInt8]) -> UInt64 {
    var digest = StreamDigest()
    digest.update(frame)
    return digest.value
  }
}
#endif
