// SPDX-License-Identifier: Apache-2.0

import LiveBroker

/// A fault that is injected into one connection or session, by call.
public enum ServiceFault: Sendable, Hashable {
  /// goAway now, with this `timeLeft` (nil leaves it out). The connection is cut after it, with
  /// close 1008; after the configured notice if it is nil.
  case goAway(timeLeft: Duration?)
  /// goAway now with a `timeLeft` that is not true: the connection is cut after `cutAfter`.
  case falseGoAway(timeLeft: Duration?, cutAfter: Duration)
  /// From now on the connection says nothing and takes nothing in, and stays open.
  case silence
  /// Close now, with this code and reason.
  case close(CloseNotice)
  /// Cut the TCP connection now.
  case drop
  /// Issue no handles on this connection any more, or again.
  case withholdHandles(Bool)
  /// Refuse the session's next resume: session not found. The handle works again afterwards.
  case refuseNextResume
  /// The session's next resume succeeds, transcribes, and never answers.
  case poisonNextResume
  /// The session's next resume succeeds and remembers nothing.
  case forgetOnResume
  /// Send these bytes as a message.
  case send([UInt8])
  /// Make the model call a function now, as if it had been asked to.
  case callTool
  /// At the session's next function call: close with this code and reason, or cut the TCP connection
  /// if there is none, while the call is pending [E.2].
  case endInCall(CloseNotice?, CallMoment)
}

/// When in a function call a connection ends.
public enum CallMoment: Sendable, Hashable, CaseIterable {
  /// Right behind the call: no application can have answered it.
  case behindCall
  /// When its response has come, which is not read any more.
  case beforeResponse
}

/// Faults that happen by themselves, drawn from the service's seed. All are off by default, and what
/// is off draws nothing, so that switching one on leaves the others' sequence alone as far as it can.
public struct FaultPlan: Sendable, Hashable {
  /// Share of mints (0 to 1) that fail with 500, 503 or 429.
  public var mintFailures = 0.0
  /// Share of upgrades that are refused with 503.
  public var upgradeRefusals = 0.0
  /// What a connection is closed with, where chance closes it. Default ``CloseNotice/incidents``.
  public var closeNotices = CloseNotice.incidents
  /// Share of setups that are answered by a close from ``closeNotices``.
  public var setupFailures = 0.0
  /// Share of setups that are never answered.
  public var setupStalls = 0.0
  /// Share of resumes that are refused although the handle is good.
  public var resumeRefusals = 0.0
  /// Share of resumes that are poisoned: accepted, and never answered again.
  public var resumePoisonings = 0.0
  /// Share of resumes that forget everything.
  public var resumeForgettings = 0.0
  /// Share of connections that are cut without a close, at a moment uniform in their lifetime.
  public var drops = 0.0
  /// Share of connections that are closed with one of ``closeNotices``.
  public var closes = 0.0
  /// Share of connections that fall silent.
  public var silences = 0.0
  /// Share of connections that get a goAway early, with 0 to 10 s left, or none stated.
  public var earlyGoAways = 0.0
  /// Share of connections that get a frame that is no JSON, or one with unknown fields.
  public var oddFrames = 0.0
  /// Share of connections that are never told goAway before their end.
  public var missingGoAways = 0.0
  /// Share of goAways after which the connection says nothing more, until it is cut [E.2].
  public var goAwaySilences = 0.0
  /// Share of the clients' close frames that are never answered; the connection is cut later.
  public var unansweredCloses = 0.0
  /// Share of connections that issue no handle.
  public var withheldHandles = 0.0
  /// Share of function calls in which the connection is cut without a close, half of them right
  /// behind the call, half of them when its response comes.
  public var callDrops = 0.0
  /// The same, closed with one of ``closeNotices``.
  public var callCloses = 0.0
  /// Share of messages that wait for the next one, for 150 ms at most, and travel in one with it where
  /// the meaning does not hang on their order: `setupComplete` with a handle, the end of a turn with
  /// `goAway`. The schema says one kind for each message; every SDK reads what is there [C.3].
  public var merges = 0.0
  /// How long after the setup an incident may come at the latest; nil means the connection's lifetime.
  public var incidentsWithin: Duration?

  /// No faults.
  public init() {}

  /// One of the closes.
  func notice(_ chance: inout SplitMix64) -> CloseNotice {
    chance.pick(closeNotices) ?? .internalError
  }

  /// Whether any connection can have an incident.
  var hasIncidents: Bool {
    drops > 0 || closes > 0 || silences > 0 || earlyGoAways > 0 || oddFrames > 0
  }
}
