"""WGAN-GP on strings of characters (Gulrajani et al. 2017), its generator warmed up as a VAE's decoder."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from dgflow_core.flow import priors
from dgflow_core.flow.driver import Run
from dgflow_core.flow.priors import drawn
from dgflow_core.kinds.text import corpus as text
from dgflow_core.kinds.text.metrics import js, ngrams
from dgflow_core.nets.characters import TextCritic, TextGenerator
from dgflow_core.training import shipping
from dgflow_core.training.adversarial import critic_objective, frozen, generator_loss, lipschitz
from dgflow_core.training.network_trainer import NetworkTrainer, averaged
from dgflow_core.training.recipe import Recipe
from dgflow_core.training.recipes.autoencoder import prior_divergence
from dgflow_core.zoo.model import Model, calibration_offset

REFERENCE = 10_000  # strings that generated ones are held against
#: The paper's settings for text but for η and the steps, for which it has 0.1 and 50.
REFINE = {"method": "dgflow", "divergence": "KL", "gamma": 0.0, "space": "latent"}
#: What a model's own η and number of steps (at most so many) are chosen from: a few long steps cost less.
SIZES, MOST = (0.25, 0.5, 1.0), 8


class CharacterGAN(Recipe):
    """Gulrajani et al.'s language model at a given ``width`` (512 is the paper's).

    The paper starts from random weights. Here the generator first learns as the decoder of a
    variational autoencoder, for ``decoder_iterations``; then the critic learns alone for
    ``critic_iterations``. For ``game_iterations`` both play, ``critic_steps`` to one, and in any further
    iterations the critic goes on alone, so that it meets the averaged generator that ships.
    """

    can_be_extended: ClassVar[bool] = True
    counts: ClassVar[tuple[str, ...]] = (
        "iterations", "decoder_iterations", "critic_iterations", "game_iterations", "prior_weight_over"
    )  # fmt: skip
    watch_samples: int = 3000
    finish_samples: int = 1000
    iterations: int = 3000
    decoder_iterations: int = 2500
    critic_iterations: int = 500
    game_iterations: int = 0
    dim: int = 128
    width: int = 64
    blocks: int = 5
    batch: int = 64
    decoder_rate: float = 2e-3
    prior_weight_over: int = 1000
    critic_steps: int = 5
    penalty: float = 10.0
    generator_rate: float = 1e-4
    critic_rate: float = 3e-4
    betas: tuple[float, float] = (0.5, 0.9)
    ema: float = 0.999

    def decoder_factor(self, iteration: int) -> float:
        """What the decoder's rate is multiplied by: it rises over 100 iterations, the last fifth is slow."""
        return min(1, iteration / 100) * (0.1 if iteration > 0.8 * self.decoder_iterations else 1)

    def trainer(self, device: torch.device, data_root: Path | None) -> CharacterGANTrainer:
        return CharacterGANTrainer(self, device, data_root)


class CharacterGANTrainer(NetworkTrainer):
    """Trains one ``CharacterGAN``; an average of the generator ships."""

    def __init__(self, recipe: CharacterGAN, device: torch.device, data_root: Path | None):
        super().__init__(recipe, device)
        self.corpus = text.billion_words(data_root, train=True)
        self.letters = text.alphabet(self.corpus.sentences)
        self.held_out = text.billion_words(data_root, train=False)
        self.prior = priors.make("normal", recipe.dim)
        symbols, size = len(self.letters), (recipe.width, recipe.blocks)
        self.generator = TextGenerator(recipe.dim, symbols, text.LENGTH, *size).to(device)
        self.critic = TextCritic(symbols, text.LENGTH, *size).to(device)
        self.encoder = TextCritic(symbols, text.LENGTH, *size, 2 * recipe.dim).to(device)
        with torch.no_grad():
            self.encoder.head.bias[recipe.dim :] = -2.0  # little noise at first: there is something to decode
        self.average = averaged(self.generator, recipe.ema)
        self.networks = {
            "generator": self.generator, "critic": self.critic, "encoder": self.encoder,
            "average": self.average,
        }  # fmt: skip
        self.adam("generator", self.generator.parameters(), recipe.generator_rate, recipe.betas)
        self.adam("critic", self.critic.parameters(), recipe.critic_rate, recipe.betas)
        both = [*self.generator.parameters(), *self.encoder.parameters()]
        self.adam("decoder", both, recipe.decoder_rate, (0.9, 0.99), recipe.decoder_factor)

    def learn(self, iteration: int, rng: torch.Generator) -> dict[str, float]:
        recipe = self.recipe
        if iteration <= recipe.decoder_iterations:
            return self._learn_decoder(iteration, rng)
        played = iteration - recipe.decoder_iterations - recipe.critic_iterations
        in_game = 0 < played <= recipe.game_iterations
        for _ in range(recipe.critic_steps if in_game else 1):
            numbers = self._learn_critic(rng)
        if in_game:
            with frozen(self.critic):
                fake = self.generator(self._codes(rng))
                self.descend("generator", generator_loss("wgan-gp", self.critic(fake)))
            self.average.update_parameters(self.generator)
        if played == recipe.game_iterations:
            self._stand_still()
        return numbers

    def _learn_decoder(self, iteration: int, rng: torch.Generator) -> dict[str, float]:
        """Descend −ELBO: cross-entropy of the string + KL(q(z | x) ‖ p_Z), the latter growing in."""
        recipe = self.recipe
        places = self._places(rng)
        mean, log_variance = self.encoder(self._one_hot(places)).chunk(2, dim=1)
        noise = drawn(torch.randn, mean.shape, rng=rng, device=self.device)
        decoded = self.generator(mean + (log_variance / 2).exp() * noise)
        missed = -decoded.gather(2, places.unsqueeze(2)).clamp_min(1e-8).log().sum((1, 2)).mean()
        divergence = prior_divergence(mean, log_variance).mean()
        weight = min(1, iteration / recipe.prior_weight_over)
        self.descend("decoder", (missed + weight * divergence) / text.LENGTH)
        self.average.update_parameters(self.generator)
        if iteration == recipe.decoder_iterations:
            self._stand_still()
        return {"cross_entropy": missed.detach(), "prior_divergence": divergence.detach()}

    def _stand_still(self) -> None:
        """From now on the generator is its average; the average of what may follow begins anew."""
        self.generator.load_state_dict(self.average.module.state_dict())
        self.average.n_averaged.zero_()

    def _learn_critic(self, rng: torch.Generator) -> dict[str, float]:
        real = self._one_hot(self._places(rng))
        with torch.no_grad():
            fake = self.generator(self._codes(rng))
        penalty = lipschitz(self.recipe.penalty, rng)
        loss, numbers = critic_objective(self.critic, real, fake, "wgan-gp", penalty)
        self.descend("critic", loss)
        return numbers

    def _places(self, rng: torch.Generator) -> Tensor:
        rows = torch.randint(len(self.corpus), (self.recipe.batch,), generator=rng)
        strings = [self.corpus.string(row) for row in rows.tolist()]
        return text.encode(strings, self.letters).to(self.device, non_blocking=True)

    def _one_hot(self, places: Tensor) -> Tensor:
        return one_hot(places, len(self.letters)).float()

    def _codes(self, rng: torch.Generator) -> Tensor:
        return drawn(torch.randn, self.recipe.batch, self.recipe.dim, rng=rng, device=self.device)

    def model(self) -> Model:
        """The averaged generator and the critic as they are now, calibrated; copies."""
        generator, critic = copy.deepcopy(self.average.module), copy.deepcopy(self.critic)
        parts = {
            "generator": ("text_generator", generator.arguments),
            "critic": ("text_critic", critic.arguments),
        }
        source = f"{len(self.corpus.sentences):,} sentences, cut from any word start"
        config = shipping.config(self.recipe, "text", self.prior, parts, source)
        config["alphabet"] = self.letters
        then = "; then both played" if self.recipe.game_iterations else ""
        config["note"] = (
            f"The generator learnt as a VAE's decoder, the critic by WGAN-GP on its strings{then}."
        )
        networks = shipping.rounded(generator), shipping.rounded(critic)
        model = Model(config, self.prior, *networks, device=self.device)
        return model.with_offset(calibration_offset(model, 2000))

    def watch(self, iteration: int, folder: Path) -> dict[str, float]:
        """JS-4 of fresh strings against those of the training half, and some of them in a file."""
        with torch.no_grad():
            codes = self.prior.sample(self.recipe.watch_samples, shipping.STATE_SEED).to(self.device)
            places = torch.cat([self.average.module(part).argmax(-1) for part in codes.split(500)])
        strings = ["".join(self.letters[place] for place in row) for row in places.tolist()]
        (folder / f"strings-{iteration:06d}.txt").write_text("\n".join(strings[:64]) + "\n", encoding="utf-8")
        return {"js4": js(ngrams(strings, 4), ngrams(_strings(self.corpus), 4))}

    def finish(self) -> Model:
        """The model; its config with its own η and steps, its quality and the band of real logits."""
        model, n, held_out = self.model(), self.recipe.finish_samples, _strings(self.held_out)
        own = self._own_steps(model, n)
        model.config["selection"] = {
            "against": "training half", "steps": {**own, "samples": n, "seed": shipping.STEPS_SEED}
        }  # fmt: skip
        first, *_, last = Run(model, n=n, seed=shipping.MEASUREMENT_SEED, **REFINE, **own)
        real = {length: ngrams(held_out, length) for length in (4, 6)}
        base, refined = (
            {f"js{k}": round(js(ngrams(model.decode(end.samples), k), real[k]), 4) for k in real}
            for end in (first, last)
        )
        model.config["quality"] = {
            "samples": n, "against": len(held_out), "base": base, "DGflow(KL)": {**refined, **own}
        }  # fmt: skip
        model.config["measurement"] = shipping.measurement("held-out strings", n)
        strings = self._one_hot(text.encode(_strings(self.corpus)[:1000], self.letters))
        model.config["real_logits"] = shipping.real_band(model, strings)
        return model

    def _own_steps(self, model: Model, n: int) -> dict[str, float]:
        """η and the steps after which JS-4 against the training half is lowest, of ``SIZES`` and ``MOST``."""
        real = ngrams(_strings(self.corpus), 4)
        found = {
            (eta, frame.step): js(ngrams(model.decode(frame.samples), 4), real)
            for eta in SIZES
            for frame in Run(model, n=n, seed=shipping.STEPS_SEED, **REFINE, eta=eta, steps=MOST)
            if frame.step
        }
        eta, steps = min(found, key=found.get)
        return {"eta": eta, "steps": steps}


def _strings(corpus: text.Corpus) -> list[str]:
    return corpus.strings(min(REFERENCE, len(corpus)))


RECIPES = (
    CharacterGAN.called("billion_words/wgan-gp", "WGAN-GP on Billion Words"),
    CharacterGAN.called(
        "billion_words/wgan-gp-wide", "WGAN-GP, 128 wide, on Billion Words", width=128, iterations=24_340,
        decoder_iterations=19_533, critic_iterations=3907, game_iterations=300, prior_weight_over=7813,
        critic_steps=3, generator_rate=3e-5,
    ),
)  # fmt: skip
