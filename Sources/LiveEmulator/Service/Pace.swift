// SPDX-License-Identifier: Apache-2.0

import LiveBroker

/// The configuration's times in nanoseconds, converted once: the service compares them a few million
/// times a second.
struct Pace: Sendable {
  let setupProcessing, standbyPatience, releaseLag, ghostLag: Int64
  let firstHandleDelay, handleInterval, handleAfterTurn, handleLifetime: Int64
  let audioLimit, videoLimit, tolerance, skew: Int64
  let silence, thinking, chunkInterval, chunkLength: Int64
  let chunksOfAnswer, chunksOfLongAnswer: Int
  /// How long a close frame of ours may stay unanswered, and an expired token remembered.
  let closePatience: Int64 = 10_000_000_000
  let expiredTokenKept: Int64 = 600_000_000_000
  /// How long a message may wait to be merged with another: a little more than a first handle does.
  let mergePatience: Int64 = 150_000_000

  init(_ configuration: ServiceConfiguration) {
    func positive(_ duration: Duration) -> Int64 { max(0, duration.nanoseconds) }
    let connections = configuration.connections
    setupProcessing = positive(connections.setupProcessing)
    standbyPatience = positive(connections.standbyPatience)
    releaseLag = positive(connections.releaseLag)
    ghostLag = positive(connections.ghostLag)
    let sessions = configuration.sessions
    firstHandleDelay = positive(sessions.firstHandleDelay)
    handleInterval = positive(sessions.handleInterval)
    handleAfterTurn = positive(sessions.handleAfterTurn)
    handleLifetime = positive(sessions.handleLifetime)
    audioLimit = positive(sessions.audioLimit)
    videoLimit = positive(sessions.videoLimit)
    tolerance = min(positive(configuration.promiseTolerance), 31_536_000_000_000_000)
    // Nobody's clock is a year off, and a year leaves room for every sum.
    skew = Int64(min(configuration.clockSkew.nanoseconds.magnitude, 31_536_000_000_000_000))
    let model = configuration.model
    let isBrief = model.verbosity == .brief
    silence = positive(model.endOfSpeechSilence)
    thinking = positive(model.thinkingTime)
    chunkInterval = positive(model.chunkInterval)
    chunkLength = isBrief ? 1_000_000 : max(1_000_000, positive(model.chunkLength))
    let length = chunkLength
    func chunks(_ duration: Duration) -> Int {
      isBrief ? 1 : Int(min((positive(duration) + length - 1) / length, 1_000_000))
    }
    chunksOfAnswer = chunks(model.answerLength)
    chunksOfLongAnswer = chunks(model.longAnswerLength)
  }
}
