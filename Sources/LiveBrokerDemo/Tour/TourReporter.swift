// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import LiveEmulator

/// Puts together what emulator, network and applications saw of a tour.
struct TourReporter {
  let tour: Tour
  let storm: StormFigures?
  let wall: Duration
  /// Nil where nobody looks at pictures.
  let life: LifeRecorder?

  func report() -> TourReport {
    let accounts = tour.witness.accounts
    let sessions = accounts.indices.map { figures(of: accounts[$0], session: $0) }
    var run = RunFigures()
    let totals = tour.network.withService { $0.totalsNow }
    run.virtual = EngineInstant.zero.duration(to: tour.simulation.clock.now)
    run.wall = wall
    run.tokensMinted = totals.minted
    run.tokensExpiredUnused = totals.tokensExpiredUnused
    run.roundTrip = tour.options.roundTrip
    run.setup = ServiceConfiguration().connections.setupProcessing
    run.storm = storm
    run.promisesBroken = brokenPromises(accounts)
    run.seed = tour.options.seed
    run.traceHash = tour.trace.hexDigest
    return TourReport(
      summary: TourSummary(sessions: sessions, run: run),
      life: timeline(accounts))
  }

  /// The life of the session that the service met first.
  private func timeline(_ accounts: [TourWitness.Account]) -> Timeline {
    let length = tour.options.length
    let label = tour.network.withService { $0.report().sessions.first?.label } ?? "0"
    let reports =
      Int(label).flatMap { accounts.indices.contains($0) ? accounts[$0] : nil }?.reports ?? []
    func time(_ instant: EngineInstant) -> Duration { EngineInstant.zero.duration(to: instant) }
    var events = life?.events(until: length) ?? []
    var tokenSince = Duration.zero
    for report in reports {
      if report.cause.isPlanned { events.append(TimelineEvent(.rotation, at: time(report.at))) }
      guard report.credentialRenewed else { continue }
      events.append(TimelineEvent(.renewal, at: time(report.at)))
      events.append(TimelineEvent(.token, from: tokenSince, to: time(report.at)))
      tokenSince = time(report.at)
    }
    events.append(TimelineEvent(.token, from: tokenSince, to: length))
    if let storm = tour.options.stormAt { events.append(TimelineEvent(.storm, at: storm)) }
    return Timeline(title: "The life of session \(label)", length: length, events: events)
  }

  private func figures(of account: TourWitness.Account, session: Int) -> SessionFigures {
    var figures = SessionFigures()
    figures.isLive = account.answeredProbe
    let planned = account.reports.filter(\.cause.isPlanned)
    let unplanned = account.reports.filter { !$0.cause.isPlanned }
    figures.rotations = planned.count
    figures.renewals = account.reports.count(where: \.credentialRenewed)
    figures.unplannedDrops = unplanned.count
    figures.resumed = account.reports.count { $0.outcome == .resumed }
    figures.freshStarts = account.reports.count - figures.resumed
    figures.toolCalls = account.toolCalls
    figures.receivedFromModelBytes = account.audioBytesHeard
    figures.gaps = planned.map(\.gap)
    figures.held = planned.map(\.longestHeld)
    figures.recoveries = unplanned.map(\.gap)
    figures.audio = audio(of: account, session: session)
    return figures
  }

  /// What became of a session's speech: what it sent against what the service remembers.
  private func audio(of account: TourWitness.Account, session: Int) -> AudioAccount {
    guard let recording = tour.recording else {
      return AudioAccount(sessionsExact: 1)
    }
    let remembered = tour.network.withService { $0.report(String(session)) }
      .sessions.flatMap(\.remembered.audio)
    return AudioAccounting(
      sentPositions: account.sentPositions, of: recording, rememberedBytes: remembered,
      reportedLost: account.reports.flatMap(\.dropped.audio),
      uncertain: account.reports.flatMap(\.uncertain.audio)
    ).account()
  }

  // MARK: Promises

  /// After a loss no more speech may be uncertain than the last handle was old, one round trip, and
  /// what was sent since the ping that proved the rest.
  private func excess(of report: ReconnectReport, session: Int) -> String? {
    guard !report.cause.isPlanned, let age = report.handleAge else { return nil }
    let allowed = age - report.gap + tour.options.roundTrip + CoveragePolicy().proofInterval
    let bytes = allowed / .seconds(1) * Double(Recording.bytesPerSecond)
    // Frames are uncertain whole.
    guard Double(report.uncertain.audioBytes) > bytes + Double(Recording.frameBytes) else {
      return nil
    }
    return "session \(session): \(report.uncertain.audioBytes) bytes are uncertain, "
      + "though the last handle was \(age - report.gap) old"
  }

  private func brokenPromises(_ accounts: [TourWitness.Account]) -> [String] {
    var broken = tour.network.withService { $0.promisesBroken }.map { promise in
      "\(promise.kind) on connection \(promise.connection)"
    }
    for (index, account) in accounts.enumerated() {
      if let end = account.end, end.code != .brokerStopped {
        broken.append("session \(index) ended: \(end)")
      }
      broken += account.reports.compactMap { excess(of: $0, session: index) }
      let heard = tour.network.withService { $0.report(String(index)) }
        .sessions.reduce(0) { $0 + $1.remembered.tallies.content.count }
      // The probe is one more than what the script sent.
      if heard < account.textsSent {
        broken.append("session \(index): \(account.textsSent - heard) text turns are forgotten")
      }
    }
    return broken
  }
}
